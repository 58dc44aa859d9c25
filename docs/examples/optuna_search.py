"""Search latents, prior and learning rate with Optuna, and stop trials that are worse than others.

python docs/examples/optuna_search.py        needs: pip install "vaekit[optuna]"
"""

import numpy as np
import optuna

import vaekit
from vaekit.training.display import SilentLogger

rng = np.random.default_rng(0)
Z = rng.normal(size=(600, 2))
X = np.c_[Z, Z @ rng.normal(size=(2, 4))] + 0.2 * rng.normal(size=(600, 6))


class Prune(vaekit.Callback):
    """Reports each epoch to Optuna, and stops a trial that falls behind the others."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, record, model):
        self.trial.report(record["validation_loss"], record["epoch"])
        if self.trial.should_prune():
            raise vaekit.StopTraining("worse than the other trials")

    def on_train_end(self, training):
        self.best, self.pruned = training.best, bool(training.stopped)


def objective(trial):
    prune = Prune(trial)
    vaekit.fit(
        X,
        latent_dim=trial.suggest_int("latent_dim", 1, 4),
        prior=trial.suggest_categorical("prior", ["standard_normal", "mixture"]),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        epochs=8,
        patience=3,  # early stopping
        callbacks=[prune],
        log=SilentLogger(),
    )
    if prune.pruned:
        raise optuna.TrialPruned
    return prune.best


def search(n_trials=20):
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)
    study.optimize(objective, n_trials)
    return study


if __name__ == "__main__":
    study = search()
    print(study.best_value, study.best_params)
    print(sum(trial.state.name == "PRUNED" for trial in study.trials), "trials were stopped early")
