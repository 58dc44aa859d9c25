"""The explorer without Python: a page for any static host, or one file, whose models run in the browser.

noise     a draw as a function of noise, so that a graph holds no random numbers
graphs    what the page needs of a model, as modules of tensors alone
export    modules to ONNX
contents  the numbers and pictures of the data, computed once
runtime   what runs ONNX in a browser, fetched by npm
pages     the folder, and the one file that holds it all
"""
