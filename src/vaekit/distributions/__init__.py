"""Distributions that `torch.distributions` lacks, or computes where floating point fails."""
