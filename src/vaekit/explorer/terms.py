"""The terms of the bound at K posterior samples, as a function of the noise that makes them."""

from __future__ import annotations

from torch import Tensor, nn

from vaekit.models import masking
from vaekit.models.from_noise import sample_from_noise
from vaekit.models.vae import VAE


class Terms(nn.Module):
    """The terms of the bound at K samples from q(z | x), over the observed pixels.

    Example:
        >>> import torch
        >>> from vaekit.explorer.session import demo
        >>> model, y = demo().model, torch.eye(10)[[3]]
        >>> x, mask, noise = torch.zeros(1, 1, 28, 28), torch.ones(1, 1, 28, 28), torch.zeros(4, 2)
        >>> [tuple(term.shape) for term in Terms(model)(x, mask, noise, y)]
        [(4, 2), (4,), (1, 4), (1, 4)]
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(
        self, x: Tensor, mask: Tensor, noise: Tensor, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        posterior = self.model.encode(x, y)
        parts = noise.unsqueeze(1).split(self.model.layer_dims, -1)
        q = posterior.sample_with(lambda layer, conditional: sample_from_noise(conditional, parts[layer]))
        p = self.model.conditional_prior(y).condition_on(q.z)
        log_px = masking.masked_log_prob(self.model.decode(q.z, y), x, mask > 0.5)
        return q.z[:, 0], log_px[:, 0], p.log_prob[..., 0], q.log_prob[..., 0]
