"""Tables of cases for all property tests, and functions that build tiny models from their rows.

Add a row to test a new likelihood, posterior, network, prior or objective. A row is named after its kind in
the package's own table; variants of a kind add a dash and their name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from vaekit.models import count_likelihoods, head, likelihoods, objectives, posteriors, priors
from vaekit.models.build_context import BuildContext
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.labels import class_prior
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.nn import networks

Shape = tuple[int, ...]

SHAPE: Shape = (1, 6, 5)
BATCH = 4
CLASSES = 3

IMAGE_SHAPES: tuple[Shape, ...] = (
    (1, 1, 1),
    (1, 1, 5),
    (2, 7, 9),
    (1, 8, 8),
    (1, 28, 20),
    (1, 28, 28),
    (3, 64, 64),
)

LIKELIHOODS: dict[str, Callable[[], head.Head | count_likelihoods.CountLikelihood]] = {
    "bernoulli": likelihoods.bernoulli,
    "continuous_bernoulli": likelihoods.continuous_bernoulli,
    "gaussian-fixed": partial(likelihoods.gaussian, 0.5),
    "gaussian-learned": partial(likelihoods.gaussian, "learned"),
    "gaussian-global": partial(likelihoods.gaussian, "global"),
    "gaussian-optimal": partial(likelihoods.gaussian, "optimal"),
    "discretized_logistic": likelihoods.discretized_logistic,
    "discretized_gaussian": likelihoods.discretized_gaussian,
    "categorical": likelihoods.categorical,
    "poisson": partial(count_likelihoods.poisson, "none"),
    "negative_binomial": partial(count_likelihoods.negative_binomial, "none"),
    "zero_inflated_negative_binomial": partial(count_likelihoods.zero_inflated_negative_binomial, "none"),
}

POSTERIORS: dict[str, Callable[..., nn.Module]] = {
    "gaussian": posteriors.gaussian,
    "gaussian-bounded": partial(posteriors.gaussian, bounds=(-6.0, 2.0)),
    "gaussian-log_std": partial(posteriors.gaussian, "log_std"),
    "gaussian-softplus": partial(posteriors.gaussian, "softplus"),
    "gaussian-unconstrained": partial(posteriors.gaussian, "unconstrained"),
    "full_covariance": posteriors.FullCovariance,
    "flow": partial(posteriors.FlowPosterior, transforms=2, hidden_sizes=(4,)),
    "delta": posteriors.delta,
}

NETWORKS: dict[str, Callable[[Sequence[Shape], Shape], nn.Module]] = {
    "dense": partial(networks.Dense, hidden_sizes=(7,)),
    "dense-gated": partial(networks.Dense, hidden_sizes=(7, 6), gated=True),
    "dense-linear": partial(networks.Dense, hidden_sizes=()),
    "convolutional": partial(networks.convolutional, channels=(3, 4), hidden_sizes=(6,)),
    "convolutional-gated": partial(networks.convolutional, channels=(3, 4), hidden_sizes=(), gated=True),
    "residual": partial(networks.residual, channels=(3, 4), hidden_sizes=(6,)),
}

PRIORS: dict[str, Callable[[BuildContext], nn.Module]] = {
    "standard_normal": priors.standard_normal,
    "mixture": partial(priors.mixture, components=3),
    "vamp": partial(priors.vamp, components=3),
    "vamp-learned": partial(priors.vamp, components=3, weights="learned", mean=0.3, std=0.3),
    "vamp-data": partial(priors.vamp, components=3, init="data"),
    "exemplars": partial(priors.exemplars, components=3),
    "flow": partial(priors.flow, transforms=2, hidden_sizes=(4,)),
    "flow-autoregressive": partial(priors.flow, type="autoregressive", transforms=2, hidden_sizes=(4,)),
    "exemplars-learned": partial(priors.exemplars, components=3, weights="learned"),
}

LABELED_PRIORS: dict[str, Callable[[BuildContext], nn.Module]] = {
    "mixture-class": partial(priors.mixture, components=CLASSES, weights="class_conditional"),
}  # those that need a label

OBJECTIVES: dict[str, Objective] = {
    "elbo": Objective(),
    "elbo-free_bits": Objective(
        partial(objectives.elbo, free_bits=0.05), samples=2, beta=objectives.constant(0.5)
    ),
    "elbo-no_rate": Objective(beta=objectives.constant(0.0)),
    "iwae": Objective(objectives.iwae, samples=3),
}

OTHER_TESTS = {"factor_mixture", "columns", "message", "tabular"}  # of tables: test_closed_form

IMAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "binary": lambda u: (u > 0.5).to(u),
    "discrete": lambda u: (u * 255).round() / 255,
    "unit_interval": lambda u: u,
    "real": lambda u: 3 * u - 1,
    "count": lambda u: (9 * u * u).round(),
}


def images(support: str, shape: Shape = SHAPE, n: int = BATCH, seed: int = 0) -> Tensor:
    """(n, C, H, W), images with values in the support of a likelihood."""
    return IMAGES[support](torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed)))


def images_for(model: VAE, n: int = BATCH, seed: int = 0, shape: Shape = SHAPE) -> Tensor:
    """Images in the support of a model's likelihood."""
    return images(model.decoder.head.support, shape, n, seed)


def labels(n: int = BATCH) -> Tensor:
    """(n,), the classes 0, 1, 2, 0, ..."""
    return torch.arange(n) % CLASSES


def posterior_head(name: str, size: int) -> nn.Module:
    """The head of a layer with `size` latents; only a flow depends on the size."""
    return POSTERIORS[name](size) if name == "flow" else POSTERIORS[name]()


def conditional(
    network: str, head: head.Head | posteriors.FullCovariance, inputs: Sequence[Shape], event: Shape
) -> Conditional:
    """A conditional over an event, with inputs of these shapes."""
    return Conditional(NETWORKS[network](inputs, head.network_output(event)), head)


def make_vae(
    likelihood: str = "bernoulli",
    network: str = "dense",
    posterior: str = "gaussian",
    prior: str = "standard_normal",
    layer_dims: Sequence[int] = (3,),
    shape: Shape = SHAPE,
    conditioned_parts: Collection[str] = (),
    seed: int = 0,
) -> VAE:
    """A tiny model of these rows; it is conditional if `conditioned_parts` is not empty."""
    torch.manual_seed(seed)
    parts = frozenset(conditioned_parts)
    label_prior = class_prior(CLASSES, labels(10)) if parts else None
    label = {part: [(CLASSES,)] for part in parts}

    def layers(inputs: Sequence[Shape], network: str, posterior: str, first: int = 0) -> list[nn.Module]:
        above = [(size,) for size in layer_dims]
        return [
            conditional(network, posterior_head(posterior, size), [*inputs, *above[:i]], (size,))
            for i, size in enumerate(layer_dims)
            if i >= first
        ]

    below = layers(label.get("prior", []), "dense", "gaussian", first=1)
    encoder = layers([shape, *label.get("encoder", [])], network, posterior)
    decoder = conditional(
        network, LIKELIHOODS[likelihood](), [(sum(layer_dims),), *label.get("decoder", [])], shape
    )

    def examples(n: int) -> tuple[Tensor, Tensor | None]:
        return images("unit_interval", shape, n), None if label_prior is None else label_prior(labels(n))

    context = BuildContext(
        layer_dims[0], encoder[0], shape, examples, 10, label_prior, "label" if parts else "", parts
    )
    top = (PRIORS | LABELED_PRIORS)[prior](context)
    return VAE(
        Hierarchy([top, *below], layer_dims), Hierarchy(encoder, layer_dims), decoder, label_prior, parts
    )


make_hierarchical = partial(make_vae, layer_dims=(2, 3))
make_labeled = partial(make_vae, conditioned_parts=("prior", "encoder", "decoder"))
