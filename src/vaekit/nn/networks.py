"""The networks: from data points of any shape to vectors, and back.

A network is built from the event shapes of its inputs and of its output. The same options therefore build an
encoder, a decoder or the network between two latent layers:

- the first input is a signal (C, L), an image (C, H, W) or a volume (C, D, H, W): the network encodes it
  (convolutions with stride 2 in one, two or three dimensions, or one flattened vector);
- the output is one of these: the network decodes to it (upsampling that matches any size exactly);
- all other inputs (the latents of a layer above, a label) are vectors.

The leading dimensions of the inputs are broadcast: x (B, C, H, W) with z (K, B, d) gives (K, B, ...). The
part that depends on x alone is computed once for all K samples.

They are written in two files, and this module is the door to both: `dense` for vectors, and for anything as
one flattened vector, `convolutional` for data points whose neighbors are alike.
"""

from vaekit.nn.convolutional import ConvDecoder, ConvEncoder, ResidualBlock, convolutional, residual
from vaekit.nn.dense import ACTIVATIONS, Activation, Dense, MultiInputLinear

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "ConvDecoder",
    "ConvEncoder",
    "Dense",
    "MultiInputLinear",
    "ResidualBlock",
    "convolutional",
    "residual",
]
