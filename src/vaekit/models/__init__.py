"""Variational autoencoders: a prior, an encoder, a decoder, and the terms of the lower bound."""
