"""The explorer: a web page in which one walks through a latent space.

asks      what the page may ask, as a schema: every number that comes from outside is checked there
explored  a model with the codes of its data, computed once
plane     the map: from the latent space to a plane and back
views     pure functions: a model and a question -> a dictionary or a picture
worker    one thread computes; the latest question wins
server    routes only: HTTP to views
safety    who may ask at all
"""
