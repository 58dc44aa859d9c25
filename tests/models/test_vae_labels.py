"""A label reaches the parts of a VAE that take it, and no other; what is no label is named."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cases import BATCH, CLASSES, SHAPE, images_for, labels, make_labeled, make_vae
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded


def parts(model: VAE, y: Tensor | None) -> dict[str, Tensor]:
    """Numbers of each part, under the same noise."""
    x, z = images_for(model), torch.ones(BATCH, 3)
    return {
        "prior": model.conditional_prior(y).mean.expand(BATCH, 3),
        "encoder": model.encode(x, y).mean,
        "decoder": model.decode(z, y).mean,
    }


@pytest.mark.parametrize("conditioned", [("prior",), ("encoder",), ("decoder",), ("prior", "decoder")])
def test_the_label_reaches_only_the_conditioned_parts(conditioned: tuple[str, ...]):
    model = make_vae(conditioned_parts=conditioned)
    one, other = (parts(model, torch.full((BATCH,), label)) for label in (0, 1))
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert changed == set(conditioned)
    with pytest.raises(ValueError, match=r"y: expected labels, since .* conditioned on them; got None"):
        model.elbo_terms(images_for(model))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_integers_are_one_hot_vectors(dtype: torch.dtype):
    model = make_labeled()
    one_hot = torch.eye(CLASSES)[labels()]
    for name, value in parts(model, labels().to(dtype)).items():
        assert torch.equal(value, parts(model, one_hot)[name])
    assert torch.equal(parts(make_vae(), labels())["encoder"], parts(make_vae(), None)["encoder"])


def test_a_conditional_model_samples_images_of_labels():
    model = make_labeled()
    x, y = images_for(model), labels()
    assert model.sample(BATCH, context=y).shape == model.reconstruct(x, y).shape == (BATCH, *SHAPE)
    e = model.elbo_terms(x, y, n_samples=6)
    assert e.log_pz.shape == (1, 6, BATCH)
    apart = [model.sample(1, temperature=0.0, context=y[i : i + 1]) for i in range(BATCH)]
    torch.testing.assert_close(model.sample(BATCH, temperature=0.0, context=y), torch.cat(apart))
    with pytest.raises(ValueError, match="y: expected 5 labels, one per image, got 4"):
        model.sample(5, context=y)


@pytest.mark.parametrize("given", [("decoder",), ("prior", "encoder", "decoder")])
def test_without_a_label_samples_have_labels_from_the_prior(given: tuple[str, ...]):
    model = make_vae(conditioned_parts=given)
    with seeded(3):
        y = model.labels.sample(7)
        z = model.conditional_prior(y).rsample(() if "prior" in given else (7,))
    torch.testing.assert_close(model.sample(7, seed=3), model.decode(z, y).mean)


def test_labels_are_interpolated_linearly():
    model = make_labeled()
    a, b, y_a, y_b = images_for(model), images_for(model, seed=1), labels(), labels().flip(0)
    code = model.encode(a, y_a).mean, model.encode(b, y_b).mean
    vector = torch.eye(CLASSES)[y_a], torch.eye(CLASSES)[y_b]
    half = {
        "both": ((code[0] + code[1]) / 2, (vector[0] + vector[1]) / 2),
        "style": ((code[0] + code[1]) / 2, vector[0]),
        "label": (code[0], (vector[0] + vector[1]) / 2),
    }
    for vary, (z, y) in half.items():
        images = model.interpolate(a, b, 5, context=y_a, context_b=y_b, vary=vary)
        torch.testing.assert_close(images[2], model.decode(z, y).mean)
        torch.testing.assert_close(images[0], model.reconstruct(a, y_a))
    torch.testing.assert_close(model.interpolate(a, b, 3, context=y_a)[2], model.reconstruct(b, y_a))


@pytest.mark.parametrize("given", [("decoder",), ("encoder",), ("prior", "decoder")])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.tensor([0, 1, 2, 3]), "expected labels from 0 to 2, got 0 to 3"),
        (torch.rand(BATCH, 2), "expected vectors of 3 numbers"),
        (torch.ones(BATCH).bool(), "expected integers"),
        (torch.tensor([0, 1, 2]), "expected 4 labels, one per image, got 3"),
    ],
    ids=["range", "size", "type", "number"],
)
def test_an_invalid_label_is_an_error(given: tuple[str, ...], y: Tensor, message: str):
    model = make_vae(conditioned_parts=given)
    with pytest.raises(ValueError, match=message):
        model.elbo_terms(images_for(model), y)


def test_labels_and_conditioned_parts_are_given_together():
    model = make_labeled()
    for options in ({"labels": model.labels}, {"conditioned_parts": ("decoder",)}):
        with pytest.raises(ValueError, match="conditioned_parts: expected them together with labels"):
            VAE(model.prior, model.encoder, model.decoder, **options)
