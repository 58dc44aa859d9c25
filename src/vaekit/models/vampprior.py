"""Priors that are mixtures of posteriors,

    p(z) = sum_c w_c q(z | u_c).

The VampPrior learns the pseudo-inputs u_c (Tomczak and Welling 2018). The exemplar prior uses training images
(Norouzi et al. 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaekit.distributions.mixture import Mixture, label_logits, mixture_logits


class AggregatedPosterior(nn.Module):
    """The mixture of the posteriors of C images.

    With equal weights and all training images this is the aggregated posterior. It is the best prior for an
    encoder, but it overfits. C well-chosen images do nearly as well (Tomczak and Welling 2018).

    The posterior belongs to the encoder and is not registered here. Its weights are stored, moved and trained
    once, and they also receive gradients through the prior.

    Args:
        posterior: the conditional q(z | x), or q(z | x, y), of the top layer.
        images: a module that returns the images u, (C, *shape).
        learned: whether the weights w are learned; else they stay equal.
        labels: a module that returns the labels of the images, (C, m), for a posterior conditioned on labels.
        label_dim: m, the size of a label that the weights are conditioned on; 0 for none.

    >>> from vaekit.models.conditional import Conditional
    >>> from vaekit.models.posteriors import FullCovariance
    >>> head = FullCovariance()
    >>> encoder = Conditional(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), head)
    >>> AggregatedPosterior(encoder, FixedInputs(torch.rand(10, 1, 8, 8)))()
    Mixture(10 x CholeskyNormal, dim=2, batch=())
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
        condition = () if self.labels is None else (self.labels(),)
        components = posterior(self.images(), *condition)
        return Mixture(mixture_logits(self.logits, self.by_label, context), components)

    def extra_repr(self) -> str:
        return f"components={len(self.logits)}"


class PseudoInputs(nn.Module):
    """Learned images, whose pixels a sigmoid keeps in (0, 1).

    The authors' code clips the pixels. A clipped pixel has no gradient and would stay at the limit. The
    parameters are scaled so that near a gray value of 1/2 they move as the pixels do.

    Args:
        init: (C, *shape), the initial values, clamped to [0.02, 0.98].

    >>> PseudoInputs(torch.full((500, 1, 2, 2), 0.5))()[0]
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]], grad_fn=<SelectBackward0>)
    """

    def __init__(self, init: Tensor):
        super().__init__()
        self.values = nn.Parameter(0.5 + torch.logit(init, eps=0.02) / 4)

    def forward(self) -> Tensor:
        return torch.sigmoid(4 * self.values - 2)


class FixedInputs(nn.Module):
    """Fixed images or labels, stored with the weights.

    Args:
        values: (C, *shape).

    >>> FixedInputs(torch.ones(500, 1, 8, 8))().shape
    torch.Size([500, 1, 8, 8])
    """

    values: Tensor

    def __init__(self, values: Tensor):
        super().__init__()
        self.register_buffer("values", values)

    def forward(self) -> Tensor:
        return self.values


class PseudoLabels(nn.Module):
    """Learned labels: class probabilities, or free values for standardized attributes.

    Args:
        init: (C, m), the initial values.
        classes: whether a softmax keeps them class probabilities; the initial ones are 0.9 init + 0.1 / m.

    >>> PseudoLabels(torch.eye(2), classes=True)()
    tensor([[0.9500, 0.0500],
            [0.0500, 0.9500]], grad_fn=<SoftmaxBackward0>)
    """

    def __init__(self, init: Tensor, classes: bool):
        super().__init__()
        self.classes = classes
        self.values = nn.Parameter((0.9 * init + 0.1 / init.shape[1]).log() if classes else init.clone())

    def forward(self) -> Tensor:
        return self.values.softmax(-1) if self.classes else self.values
