"""Training: one loop that reads `ELBOTerms` and knows nothing of the kind of model.

`vaekit.engine`, `vaekit.runs` and `vaekit.studies` may import it; it imports `models` and `utils`.

    loop.fit          trains a model: batches, loss, gradient, step, validation, checkpoints
    settings          `TrainingSettings`, the section `training` of a recipe
    optimizer         Adam, the exponential moving average of the weights, the learning-rate schedule
    optimizer_settings, torch_optimizer   any other optimizer of torch.optim by name
    accumulation      several batches per step
    freezing          parts that are not trained
    train_state       all that changes from step to step, as tensors and a `Position`
    checkpoint        that state in one file, with a digest
    recorder          the files of a run: metrics.jsonl, events.jsonl, checkpoint/
    metrics           means over images of the terms of the bound
    divergence        finds the cause of a loss that is not finite
    callbacks         what is called during a training, and may stop it
    loggers           callbacks that write CSV, TensorBoard, Weights & Biases and MLflow
    callback_state    the state of a callback in a checkpoint
    display           progress in a terminal, or one line per epoch
"""
