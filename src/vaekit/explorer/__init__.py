"""The explorer: a web page for exploring the latent space of one trained model, or of up to four.

It sits above `vaekit.engine`. The command line imports it, and `vaekit.explore` shows it in a notebook. The
views are pure functions of a model and a request; the server and the static export both answer with them.

requests       the requests of the page, validated
session        a model with the posteriors of its data, computed once; the demo model
projection     the map: latent space to plane and back
views          functions: session and request -> dictionary or image
worker         one thread computes; the newest request replaces older ones
server         HTTP routes to views
notebook       the page in a frame of a notebook, served by its kernel
security       which requests are accepted
static_export  the same page without Python: models run in the browser as ONNX
"""
