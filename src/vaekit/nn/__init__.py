"""Networks and layers: functions of tensors, without any probability.

Every network is an `nn.Module` made from the event shapes of its inputs and of its output. Anybody may import
this package; it imports `vaekit.utils` only.

    networks  Dense, convolutional, residual, ConvEncoder, ConvDecoder, MultiInputLinear, ResidualBlock
    layers    Upsample, ToImage, he_init_
"""
