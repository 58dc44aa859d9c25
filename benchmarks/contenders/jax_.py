"""JAX: the same layers and bound as one compiled function, whose steps are one `lax.scan`.

Optax has the optimizer. A scan of `STEPS` steps stands for an epoch: it is called so often that the gate can
take turns, and its calls cost less than a thousandth of it. The pixels are drawn anew in each step, from the
gray values.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from gate import Gate, ordered
from jax import lax

STEPS = 50  # of a scan
ROWS = 500  # latents that are decoded at once in an evaluation

Arrays = list[dict[str, Any]]
Gaussian = tuple[jax.Array, jax.Array]


def network(rng: np.random.Generator, sizes: list[int]) -> Arrays:
    """Weights of gated layers and a linear one; both halves of a gate are one product."""
    layers = []
    for place, (a, b) in enumerate(pairwise(sizes)):
        out = b if place == len(sizes) - 2 else 2 * b
        weight = rng.normal(0, math.sqrt(2 / a), (a, out)).astype("float32")
        layers.append({"weight": weight, "bias": np.zeros(out, "float32")})
    return layers


def run(layers: Arrays, x: jax.Array) -> jax.Array:
    """The output of a network."""
    for layer in layers[:-1]:
        h, gate = jnp.split(x @ layer["weight"] + layer["bias"], 2, axis=-1)
        x = h * jax.nn.sigmoid(gate)
    return x @ layers[-1]["weight"] + layers[-1]["bias"]


def gaussian(layers: Arrays, x: jax.Array) -> Gaussian:
    """Mean and logarithm of the scale."""
    mean, log_variance = jnp.split(run(layers, x), 2, axis=-1)
    return mean, 0.5 * log_variance


def log_normal(z: jax.Array, mean: jax.Array, log_scale: jax.Array) -> jax.Array:
    standard = (z - mean) * jnp.exp(-log_scale)
    return -(0.5 * standard**2 + log_scale + 0.5 * math.log(2 * math.pi)).sum(-1)


def kl(q: Gaussian, p: Gaussian) -> jax.Array:
    """The divergence of two diagonal Gaussians."""
    (a, log_s), (b, log_t) = q, p
    return 0.5 * (
        jnp.exp(2 * (log_s - log_t)) + ((a - b) * jnp.exp(-log_t)) ** 2 - 1 - 2 * (log_s - log_t)
    ).sum(-1)


def log_mixture(z: jax.Array, mean: jax.Array, log_scale: jax.Array) -> jax.Array:
    """The log-density of equally weighted Gaussians (C, d), by one product."""
    precision = jnp.exp(-2 * log_scale)
    factors = jnp.concatenate([precision, -2 * mean * precision], -1)
    constants = (mean**2 * precision + 2 * log_scale + math.log(2 * math.pi)).sum(-1)
    logs = -0.5 * (jnp.concatenate([z**2, z], -1) @ factors.T + constants)
    return jax.nn.logsumexp(logs, axis=-1) - math.log(len(mean))


def log_pixels(x: jax.Array, logits: jax.Array) -> jax.Array:
    return (x * logits - jax.nn.softplus(logits)).sum(-1)


def weights(workload: SimpleNamespace) -> dict[str, Any]:
    """The weights of all networks; the first layer of latents is the top."""
    rng, pixels, width = np.random.default_rng(0), math.prod(workload.shape), list(workload.width)
    top, *lower = workload.latent
    found = {
        "encoder": network(rng, [pixels, *width, 2 * top]),
        "decoder": network(rng, [sum(workload.latent), *width, pixels]),
    }
    if lower:
        found["lower"] = network(rng, [pixels + top, *width, 2 * lower[0]])
        found["prior"] = network(rng, [top, *width, 2 * lower[0]])
    if workload.components:
        found["pseudo"] = rng.normal(0.5, 0.1, (workload.components, pixels)).astype("float32")
    return jax.tree.map(jnp.asarray, found)


def draw(key: jax.Array, q: Gaussian) -> jax.Array:
    return q[0] + jnp.exp(q[1]) * jax.random.normal(key, q[0].shape)


def negative_bound(w: dict[str, Any], x: jax.Array, key: jax.Array) -> jax.Array:
    """The mean over a batch (B, pixels)."""
    first, second = jax.random.split(key)
    q = gaussian(w["encoder"], x)
    z = draw(first, q)
    if "pseudo" in w:
        rate = log_normal(z, *q) - log_mixture(z, *gaussian(w["encoder"], w["pseudo"]))
    else:
        rate = kl(q, (jnp.zeros_like(q[0]), jnp.zeros_like(q[1])))
    if "lower" in w:
        below = gaussian(w["lower"], jnp.concatenate([x, z], -1))
        rate += kl(below, gaussian(w["prior"], z))
        z = jnp.concatenate([draw(second, below), z], -1)
    return (rate - log_pixels(x, run(w["decoder"], z))).mean()


def train(workload: SimpleNamespace, images: np.ndarray, gate: Gate) -> None:
    """Steps, for ever."""
    gray, optimizer = jnp.asarray(images), optax.adam(1e-3)
    w = weights(workload)
    state, key, rng = optimizer.init(w), jax.random.key(0), np.random.default_rng(0)

    def step(carry: Any, indices: jax.Array) -> Any:
        w, state, key = carry
        key, pixels, noise = jax.random.split(key, 3)
        batch = gray[indices]
        x = (jax.random.uniform(pixels, batch.shape) * 255 < batch).astype(jnp.float32)
        loss, gradient = jax.value_and_grad(negative_bound)(w, x, noise)
        updates, state = optimizer.update(gradient, state, w)
        return (optax.apply_updates(w, updates), state, key), loss

    scan = jax.jit(lambda carry, order: lax.scan(step, carry, order), donate_argnums=0)
    carry = (w, state, key)
    while True:
        order = rng.permutation(len(images))
        order = order[: len(order) // workload.batch * workload.batch].reshape(-1, workload.batch)
        for part in range(0, len(order) // STEPS * STEPS, STEPS):
            carry, losses = scan(carry, order[part : part + STEPS])
            losses.block_until_ready()
            gate(STEPS)


def evaluate(workload: SimpleNamespace, images: np.ndarray, gate: Gate) -> None:
    """The importance-sampled log-likelihood of one image after the other."""
    w = weights(workload)
    prior = jax.jit(gaussian)(w["encoder"], w["pseudo"]) if "pseudo" in w else None

    @partial(jax.jit, static_argnums=2)
    def log_likelihood(x: jax.Array, key: jax.Array, samples: int) -> jax.Array:
        mean, log_scale = gaussian(w["encoder"], x[None])

        def part(key: jax.Array) -> jax.Array:
            z = mean + jnp.exp(log_scale) * jax.random.normal(key, (ROWS, mean.shape[-1]))
            rate = log_normal(z, mean, log_scale)
            log_prior = (
                log_normal(z, jnp.zeros(()), jnp.zeros(())) if prior is None else log_mixture(z, *prior)
            )
            return log_pixels(x, run(w["decoder"], z)) + log_prior - rate

        logs = lax.map(part, jax.random.split(key, samples // ROWS))
        return jax.nn.logsumexp(logs) - math.log(samples)

    key, gray = jax.random.key(0), jnp.asarray(images[:1000], jnp.float32) / 255
    for image in gray:
        key, pixels, noise = jax.random.split(key, 3)
        x = (jax.random.uniform(pixels, image.shape) < image).astype(jnp.float32)
        log_likelihood(x, noise, workload.samples).block_until_ready()
        gate()


def main() -> None:
    gate, workload = Gate(), ordered()
    images = np.load(workload.path).reshape(-1, math.prod(workload.shape))
    (evaluate if workload.task == "evaluate" else train)(workload, images, gate)


main()
