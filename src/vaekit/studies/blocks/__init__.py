"""What a study's page is made of: each kind of block is a function, and a row in BLOCKS.

    block(study: Results, **options) -> list of parts          Text, Table or Figure; see `studies.parts`

On the page of a study's YAML stands `- kind: {option: value}`; what stands there instead of options is the
first of them, as in `- text: Two words.` The options are the function's own arguments: their annotations
say what is accepted, and a wrong one is refused when the study is read, with the block and the option
named. Whatever goes wrong while a block is drawn becomes a line on the page.

    def losses(study: Results, runs: Patterns = ["*"], last: bool = False) -> list[Part]: ...

The usual first option is `runs`: a pattern of names, a group, or a list of such; `study.select(runs,
finished=True)` gives the variants, `variant.first.trained` a model, `variant.finished` the runs of all
seeds, `training.series("loss")` a number by epoch, `training.evaluation` what was measured. A block may
train nothing and must not change a run. Put a new one into the file of its topic here, or into a new one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from vaekit.config.reference import explain_error
from vaekit.errors import InvalidError, VaekitError, did_you_mean
from vaekit.studies.blocks import (
    conditional,
    curves,
    elbo_checks,
    epochs,
    estimator_gaps,
    images,
    imputation,
    interpolation,
    latent,
    mixtures,
    paired,
    pivot,
    tables,
    text,
    tradeoff,
    two_latents,
)
from vaekit.studies.elements import Element, Text
from vaekit.studies.results import StudyResults
from vaekit.utils.schema import Section as Options

Block = Callable[..., list[Element]]

BLOCKS: dict[str, Block] = {
    "heading": text.heading,
    "text": text.text,
    "table": tables.table,
    "pivot_table": pivot.pivot_table,
    "pivot_differences": pivot.pivot_differences,
    "paired_differences": paired.paired_differences,
    "estimator_gaps": estimator_gaps.estimator_gaps,
    "best": text.best,
    "curves": curves.curves,
    "metric_vs_param": curves.metric_vs_param,
    "metric_by_epoch": epochs.metric_by_epoch,
    "samples_by_epoch": epochs.samples_by_epoch,
    "samples": images.samples,
    "sample_grid": images.sample_grid,
    "reconstructions": images.reconstructions,
    "latent_scatter": latent.latent_scatter,
    "pseudo_inputs": mixtures.pseudo_inputs,
    "clusters": mixtures.clusters,
    "latent_probes": latent.latent_probes,
    "rate_distortion": tradeoff.rate_distortion,
    "interpolations": interpolation.interpolations,
    "midpoint_quality": interpolation.midpoint_quality,
    "class_styles": conditional.class_styles,
    "style_transfers": conditional.style_transfers,
    "conditional_interpolation": conditional.conditional_interpolation,
    "conditional_accuracy": conditional.conditional_accuracy,
    "label_likelihood": conditional.label_likelihood,
    "imputation": imputation.imputation,
    "latent_histograms": latent.latent_histograms,
    "latent_normality": latent.latent_normality,
    "kl_by_latent": latent.kl_by_latent,
    "manifold": two_latents.manifold,
    "exact_log_likelihood": two_latents.exact_log_likelihood,
    "kl_check": elbo_checks.kl_check,
    "elbo_identity": elbo_checks.elbo_identity,
}


def check(block: Mapping[str, Any], where: str = "page") -> None:
    """Refuse a block that cannot be drawn whatever the results are.

    Raises:
        InvalidError: one line that names the block and what is wrong with it.
    """
    if len(block) != 1:
        raise InvalidError(
            f"{where}: expected one block, as `- table: {{...}}`, got {', '.join(block) or 'none'}"
        )
    [(kind, given)] = block.items()
    if kind not in BLOCKS:
        raise InvalidError(
            f"{where}: no block is called {kind!r}{did_you_mean(kind, BLOCKS)}; there are {', '.join(BLOCKS)}"
        )
    _options(kind, given, where)


def draw(study: StudyResults, block: Mapping[str, Any]) -> list[Element]:
    """The parts of a block; what is wrong with its data becomes one that says so."""
    [(kind, given)] = block.items()
    try:
        return BLOCKS[kind](study, **_options(kind, given, "page"))
    except VaekitError as error:
        return [Text(f"{kind}: {error}", "error")]
    except Exception as error:  # a page of many runs is worth more than the block that nobody foresaw
        return [Text(f"{kind}: {type(error).__name__}: {error}", "error")]


def _options(kind: str, given: Any, where: str) -> dict[str, Any]:
    """The arguments of a block, checked against its signature; a bare value is the first of them."""
    schema = _schema(kind)
    if not isinstance(given, Mapping):
        given = {next(iter(schema.model_fields)): given} if given is not None else {}
    try:
        options = schema.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(explain_error(e, given, schema) for e in error.errors())
        raise InvalidError(f"{where}: {kind}: {reasons}") from None
    return {name: getattr(options, name) for name in schema.model_fields}


@cache
def _schema(kind: str) -> type[BaseModel]:
    """The options of a block as a schema, from its signature."""
    hints = get_type_hints(BLOCKS[kind], include_extras=True)
    parameters = list(inspect.signature(BLOCKS[kind]).parameters.values())[1:]
    fields: dict[str, Any] = {
        p.name: (hints[p.name], ... if p.default is inspect.Parameter.empty else p.default)
        for p in parameters
    }
    return create_model(kind, __base__=Options, **fields)
