"""Pythae: its VAE and VAMP with its trainer, its DataLoader and its importance sampler."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace

import numpy as np
import torch
from gate import Gate, ordered
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAMP, VAEConfig, VAMPConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor
from torch_networks import Encoder, decoder


class Reader(BaseEncoder):
    """The encoder, as pythae wants it."""

    def __init__(self, workload: SimpleNamespace):
        BaseEncoder.__init__(self)
        self.network = Encoder(workload)

    def forward(self, x: Tensor) -> ModelOutput:
        mean, log_variance = self.network(x)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Drawer(BaseDecoder):
    """The decoder, as pythae wants it."""

    def __init__(self, workload: SimpleNamespace):
        BaseDecoder.__init__(self)
        self.network = decoder(workload)

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z))


class Passing(TrainingCallback):
    """Passes the gate after each step."""

    def __init__(self, gate: Gate):
        self.gate = gate

    def on_train_step_end(self, training_config: BaseTrainerConfig, **kwargs: object) -> None:
        self.gate()


def model(workload: SimpleNamespace) -> VAE:
    common = {
        "input_dim": tuple(workload.shape), "latent_dim": workload.latent[0], "reconstruction_loss": "bce",
    }  # fmt: skip
    networks = {"encoder": Reader(workload), "decoder": Drawer(workload)}
    if workload.components:
        return VAMP(VAMPConfig(**common, number_components=workload.components), **networks)
    return VAE(VAEConfig(**common), **networks)


def train(workload: SimpleNamespace, images: Tensor, gate: Gate) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=10**6, learning_rate=1e-3, optimizer_cls="Adam",
            per_device_train_batch_size=workload.batch,
        )  # fmt: skip
        dataset = BaseDataset(images, torch.zeros(len(images)))
        BaseTrainer(model(workload), dataset, training_config=config, callbacks=[Passing(gate)]).train()


@torch.no_grad()
def evaluate(workload: SimpleNamespace, images: Tensor, gate: Gate) -> None:
    judged = model(workload).eval()
    for image in images:
        judged.get_nll(image[None], n_samples=workload.samples)
        gate()


def main() -> None:
    gate, workload = Gate(), ordered()
    images = torch.from_numpy(np.load(workload.path)).float() / 255
    (evaluate if workload.task == "evaluate" else train)(workload, images, gate)


main()
