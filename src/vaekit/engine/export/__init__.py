"""A trained model as plain files that run without vaekit: ONNX, or programs of PyTorch.

graphs    the computations of a model as modules: tensors in, tensors out, nothing random
linalg    triangular matrices in elementary operations, for formats that lack them
programs  modules to exported programs and to ONNX
files     the folder: a file for each graph, with a README of its inputs and outputs

`vaekit export`, `TrainedModel.export_onnx` and the static page of the explorer use it.
"""
