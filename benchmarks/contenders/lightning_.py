"""Lightning: the plain model in its Trainer, on the processor, without logger and checkpoints."""

from __future__ import annotations

import lightning as L
import torch
from gate import Gate, ordered
from plain import PlainVAE, loader
from torch import Tensor


class Module(L.LightningModule):
    """The plain model, as Lightning wants it."""

    def __init__(self, model: PlainVAE):
        super().__init__()
        self.model = model

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        return self.model(torch.bernoulli(batch[0]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class Passing(L.Callback):
    """Passes the gate after each step."""

    def __init__(self, gate: Gate):
        self.gate = gate

    def on_train_batch_end(self, *arguments: object) -> None:
        self.gate()


def main() -> None:
    gate, workload = Gate(), ordered()
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[Passing(gate)],
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Module(PlainVAE(workload)), loader(workload))


main()
