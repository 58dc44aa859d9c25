"""Networks and layers: functions of tensors, without any probability.

Every network is an `nn.Module` made from the event shapes of its inputs and of its output. Anybody may import
this package; it imports `vaekit.utils`, the registry and the errors only.

    networks       all of the following by one import
    dense          Dense, MultiInputLinear: vectors, and anything as one flattened vector
    convolutional  convolutional, residual, ConvEncoder, ConvDecoder, ResidualBlock: signals, images, volumes
    layers         Upsample, ToImage, he_init_
"""
