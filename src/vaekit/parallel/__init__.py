"""One training or evaluation over several processes, on one machine or many.

A process is one of N that PyTorch's `torchrun` starts; `vaekit train --processes N` calls it. Each computes a
part of every batch, and all hold the same numbers as one process that computes the whole. Below training and
evaluation, above models.

- `processes`: the group of processes, and what they agree on
- `rows`: the rows of a batch that a process computes, and gathering them with gradients
- `noise`: random numbers of a whole batch, of which a process keeps its own rows
- `terms`: `ELBOTerms` of the whole batch from those of its parts
- `model`: all of these for a model
"""
