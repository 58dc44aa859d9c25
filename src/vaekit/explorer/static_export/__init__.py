"""The explorer without Python: a page for any static host, or one HTML file, whose models run in the browser.

It sits above the views and is imported by `vaekit export site` only. Numbers and images of the data are
computed once with Python; what depends on the user runs in the browser as ONNX.

graphs    the computations that the page needs of a model, as modules of tensors (see `vaekit.engine.export`)
contents  the data files: numbers, images and graphs
runtime   ONNX Runtime for browsers, fetched by npm
pages     the folder, or the single file
"""
