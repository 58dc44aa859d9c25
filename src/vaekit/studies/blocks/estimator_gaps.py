"""The error of estimators of log p(x), bounded on images that the model generated.

For x sampled from the model, its latents z are an exact posterior sample. Annealed chains from z give an
upper bound of log p(x), chains from the prior or the encoder a lower bound (bidirectional Monte Carlo,
Grosse, Ghahramani and Adams 2015). The gap of a lower bound is at most its distance from the upper bound.
"""

from __future__ import annotations

from vaekit.engine.evaluate import bdmc_on_model_samples
from vaekit.evaluation.ais import CHAINS, STEPS
from vaekit.evaluation.bdmc import BDMCBounds
from vaekit.registry import register
from vaekit.studies.elements import Cell, Column, Element, Table
from vaekit.studies.results import StudyResults
from vaekit.studies.schema import Patterns


@register("study_block")
def estimator_gaps(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    images: int = 32,
    samples: int = 5000,
    chains: int = CHAINS,
    steps: int = STEPS,
    seed: int = 0,
) -> list[Element]:
    """The upper bound of log p(x), and how far below it each lower bound is: one row per run.

    Args:
        runs: name patterns or groups; the first seed of each run is measured.
        images: number of images sampled from each model.
        samples: K, the number of importance samples per image.
        chains, steps: number of annealed chains per image, and number of steps per chain.
        seed: random seed.

    >>> from vaekit.studies.example import example_results
    >>> table = estimator_gaps(example_results(), "vae-2", images=2, samples=3, chains=1, steps=1)[0]
    >>> [column.name for column in table.columns]
    ['upper', 'ais', 'importance_sampled', 'elbo', 'median', 'unreliable']
    """
    rows = []
    for variant in study.select(runs, finished=True):
        found = bdmc_on_model_samples(variant.first.trained, images, samples, chains, steps, seed=seed)
        rows.append((variant.label, _row(found)))
    columns = [
        Column("upper", "upper bound", "nats"),
        Column("ais", "AIS", "nats below", "lower"),
        Column("importance_sampled", "importance sampling", "nats below", "lower"),
        Column("elbo", "ELBO", "nats below", "lower"),
        Column("median", "importance sampling, median", "nats below", "lower"),
        Column("unreliable", "k > 0.7", "% of images", digits=0),
    ]
    note = (
        f"{images} images sampled from each model; {chains} annealed chains of {steps} steps, {samples:,} "
        "importance samples; ± standard error over the images, omitted if mean and median are far "
        "apart. log p(x), or log p(x|y) of a conditional model, lies between the upper and the annealed "
        "bound; k is the Pareto shape of the importance weights."
    )
    return [Table(columns, rows, [note])]


def _row(found: BDMCBounds) -> list[Cell]:
    below = [Cell(bound.gap, bound.gap_stderr) for bound in found.bounds]
    share = None if found.unreliable is None else 100 * found.unreliable
    return [Cell(found.upper), *below, Cell(found.bounds[1].median), Cell(share)]
