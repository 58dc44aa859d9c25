"""The mixture of the posteriors of images: of pseudo-inputs that are learned, or of training images.

    p(z) = sum_c w_c q(z | u_c)

It is what the VampPrior, and a prior of exemplars, are made of.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaekit.distributions.mixture import Mixture, label_logits, mixture_logits


class AggregatedPosterior(nn.Module):
    """The mixture of the posteriors of C images.

    With the w_c equal and the u_c all training images it would be the aggregated posterior, which is the best
    prior for an encoder, but overfits; C well-chosen images do nearly as well (Tomczak and Welling 2018).

    The posterior is the encoder's own, borrowed: it is not registered here, so that its weights are stored,
    moved and trained once, while gradients reach them through the prior as well.

    Args:
        posterior: the conditional q(z | x), or q(z | x, y), of the level, whose distribution is a Gaussian.
        images: gives the images u, (C, *shape).
        learned: whether the weights w are learned; else they stay equal.
        labels: gives the labels of the images, (C, m), for a posterior that takes them.
        label_dim: m, the numbers of a label that the weights depend on; 0 for none.
    """

    logits: Tensor

    def __init__(
        self,
        posterior: nn.Module,
        images: nn.Module,
        learned: bool = False,
        labels: nn.Module | None = None,
        label_dim: int = 0,
    ):
        super().__init__()
        self._borrowed = (posterior,)
        self.images, self.labels = images, labels
        logits = torch.zeros(len(images()))
        if learned:
            self.logits = nn.Parameter(logits)
        else:
            self.register_buffer("logits", logits, persistent=False)
        self.by_label = label_logits(label_dim, len(logits))

    def forward(self, *context: Tensor) -> Mixture:
        [posterior] = self._borrowed
        told = () if self.labels is None else (self.labels(),)
        return Mixture(mixture_logits(self.logits, self.by_label, context), posterior(self.images(), *told))


class PseudoInputs(nn.Module):
    """Images that are learned, their pixels kept in (0, 1) by a sigmoid.

    A hard limit, as in the authors' code, has no gradient outside: a pixel that a step took beyond it would
    stay there. The parameters are scaled so that about a gray of 1/2 they move as the pixels do.

    Args:
        init: (C, *shape), the first values; those within 0.02 of 0 or 1 begin at that distance.
    """

    def __init__(self, init: Tensor):
        super().__init__()
        self.values = nn.Parameter(0.5 + torch.logit(init, eps=0.02) / 4)

    def forward(self) -> Tensor:
        return torch.sigmoid(4 * self.values - 2)


class FixedInputs(nn.Module):
    """Images or labels that stay as they are, (C, *shape), stored with the weights."""

    values: Tensor

    def __init__(self, values: Tensor):
        super().__init__()
        self.register_buffer("values", values)

    def forward(self) -> Tensor:
        return self.values


class PseudoLabels(nn.Module):
    """Labels that are learned, as networks are given them: mixtures of the classes, or free numbers.

    Args:
        init: (C, m), the first values.
        classes: whether they stay probabilities of classes, by a softmax; those begin at 9/10 of `init`.
    """

    def __init__(self, init: Tensor, classes: bool):
        super().__init__()
        self.classes = classes
        self.values = nn.Parameter((0.9 * init + 0.1 / init.shape[1]).log() if classes else init.clone())

    def forward(self) -> Tensor:
        return self.values.softmax(-1) if self.classes else self.values
