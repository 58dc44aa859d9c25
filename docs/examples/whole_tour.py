"""A table with gaps, all the way: a search, logs, anomalies, filled gaps, an ONNX file that is read back.

python docs/examples/whole_tour.py     needs: pip install "vaekit[mlflow,optuna,onnx,tensorboard]" onnxruntime pandas
"""  # noqa: E501

import json
from importlib.util import find_spec

import numpy as np
import onnxruntime
import optuna
import pandas as pd

import vaekit
from vaekit.training.display import SilentLogger

rng = np.random.default_rng(0)
speed = rng.normal(1500, 300, 600)
load = speed / 30 + rng.normal(0, 3, 600)
heat = 20 + speed / 100 + 0.4 * load + rng.normal(0, 1, 600)
machines = pd.DataFrame({"speed": speed, "load": load, "heat": heat})
machines["cooling"] = np.where(load > 50, "fan", "air")
machines.loc[590:, "heat"] -= 60  # the thermometers of ten machines are broken
machines = machines.mask(rng.random(machines.shape) < 0.08)  # gaps
LOGGERS = {"tensorboard": {}, "mlflow": {"tracking_uri": "sqlite:///mlflow.db"}}  # each if it is installed


def objective(trial):
    dims, rate = (
        trial.suggest_int("latent_dim", 1, 3),
        trial.suggest_float("learning_rate", 1e-3, 0.1, log=True),
    )
    losses = []
    keep = [lambda epoch: losses.append(epoch.record["validation_loss"])]
    vaekit.fit(machines, latent_dim=dims, learning_rate=rate, epochs=4, callbacks=keep, log=SilentLogger())
    return min(losses)


def model_values(column, values):  # what model.json says of a column: no vaekit needed
    words = {word: i for i, word in enumerate(column["categories"], 1)}
    return values.map(words) if words else (values - column["offset"]) / column["scale"]


def tour(n_trials=10, epochs=30):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials)
    logger = ["csv", *({"kind": name, **more} for name, more in LOGGERS.items() if find_spec(name))]
    model = vaekit.fit(machines, epochs=epochs, logger=logger, **study.best_params)
    folder = model.export_onnx("machines-onnx")
    columns = json.loads((folder / "model.json").read_text())["preprocessing"]["columns"]
    x = np.stack([model_values(c, machines[c["name"]]) for c in columns], axis=1).astype(np.float32)
    mean, _ = onnxruntime.InferenceSession(folder / "encoder.onnx").run(None, {"x": x})
    return model, model.anomaly_scores(machines), model.impute(machines), mean


if __name__ == "__main__":
    model, scores, filled, mean = tour()
    print("oddest:", *np.argsort(scores)[-10:], " gaps left:", filled.isna().sum().sum())
    print("ONNX and vaekit differ by", np.abs(mean - model.encode(machines)).to_numpy().max())
