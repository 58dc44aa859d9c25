"""Experiments of several runs: a YAML file each, and the engine that runs them."""
