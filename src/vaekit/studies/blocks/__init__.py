"""The kinds of blocks a study's page is made of: each kind is one function, listed in BLOCKS.

    block(study: StudyResults, **options) -> list of elements      Text, Table or FigureElement

In the YAML of a study, a block is `- kind: {option: value}`. A value in place of the options is the first
option, as in `- text: Two words.` The options are the arguments of the function. Their annotations say what
is accepted; a wrong option is refused when the study is read. An error while a block is drawn becomes one
line on the page.

    def losses(study: StudyResults, runs: Patterns = ["*"], last: bool = False) -> list[Element]: ...

The usual first option is `runs`: a name pattern, a group, or a list of these. `study.select(runs,
finished=True)` gives the variants, `variant.first.trained` a model, `variant.finished` the runs of all seeds,
`run.series("loss")` a number per epoch, and `run.evaluation` the evaluation. A block must not train anything
or change a run. Add a new block to the file of its topic, or to a new file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from vaekit.config.reference import explain_error
from vaekit.errors import InvalidError, VaekitError, did_you_mean
from vaekit.studies import renamed
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


def check_block(block: Mapping[str, Any], where: str = "page") -> None:
    """Refuse a block of unknown kind or with wrong options.

    Args:
        block: {kind: options}.
        where: the start of error messages.

    Raises:
        InvalidError: one line that names the block and what is wrong with it.

    >>> check_block({"latent_scatter": {"runs": "vae-*", "n": 500}})
    >>> check_block({"tabel": {}})
    Traceback (most recent call last):
    vaekit.errors.InvalidError: page: no block is called 'tabel'; did you mean 'table'?...
    """
    if len(block) != 1:
        raise InvalidError(
            f"{where}: expected one block, as `- table: {{...}}`, got {', '.join(block) or 'none'}"
        )
    [(kind, given)] = block.items()
    if kind not in BLOCKS:
        near = (
            f"; did you mean {renamed.BLOCKS[kind]!r}?"
            if kind in renamed.BLOCKS
            else did_you_mean(kind, BLOCKS)
        )
        raise InvalidError(f"{where}: no block is called {kind!r}{near}; expected one of {', '.join(BLOCKS)}")
    _parse_options(kind, given, where)


def draw_block(study: StudyResults, block: Mapping[str, Any]) -> list[Element]:
    """The elements of a block; if it cannot be drawn, one text of kind "error" with the reason.

    >>> from vaekit.studies.example import example_results
    >>> draw_block(example_results(), {"table": {"runs": "gan-*"}})[0].text
    'table: runs: no run matches gan-* under this preset'
    """
    [(kind, given)] = block.items()
    try:
        return BLOCKS[kind](study, **_parse_options(kind, given, "page"))
    except VaekitError as error:
        return [Text(f"{kind}: {error}", "error")]
    except Exception as error:  # an unexpected error in one block must not cost the whole page
        return [Text(f"{kind}: {type(error).__name__}: {error}", "error")]


def _parse_options(kind: str, given: Any, where: str) -> dict[str, Any]:
    """Validate the options of a block against its signature; a bare value is the first option."""
    schema = _schema(kind)
    if not isinstance(given, Mapping):
        given = {next(iter(schema.model_fields)): given} if given is not None else {}
    try:
        options = schema.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(_explain(e, given, schema) for e in error.errors())
        raise InvalidError(f"{where}: {kind}: {reasons}") from None
    return {name: getattr(options, name) for name in schema.model_fields}


def _explain(error: Any, given: Mapping[str, Any], schema: type[BaseModel]) -> str:
    """The message of a pydantic error, with the new name of an option that was renamed."""
    new = renamed.OPTIONS.get(str(error["loc"][-1]))
    if error["type"] == "extra_forbidden" and new in schema.model_fields:
        return f"{error['loc'][-1]}: unknown key; did you mean {new!r}?"
    return explain_error(error, given, schema)


@cache
def _schema(kind: str) -> type[BaseModel]:
    """The options of a block as a pydantic model, made from its signature."""
    hints = get_type_hints(BLOCKS[kind], include_extras=True)
    parameters = list(inspect.signature(BLOCKS[kind]).parameters.values())[1:]
    fields: dict[str, Any] = {
        p.name: (hints[p.name], ... if p.default is inspect.Parameter.empty else p.default)
        for p in parameters
    }
    return create_model(kind, __base__=Options, **fields)
