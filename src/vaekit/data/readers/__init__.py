"""Readers of the user's own files: each gives `RawData`."""
