"""Training: one loop that knows the objective and the device, and nothing of the kind of model.

loop         the loop itself, `fit`
running      a model in training: everything that changes from step to step
checkpoint   a moment of it, kept in one file
runtime      devices, threads, and what a run took place on
log          what people see while it runs
"""
