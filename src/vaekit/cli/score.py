"""`vaekit score`: how anomalous each row, image, signal or volume is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options, processes
from vaekit.cli.processes import run_in_processes
from vaekit.utils.format import count_of

if TYPE_CHECKING:
    from vaekit.engine.score import Scores

SHOWN = 10
METHODS = (
    "auto", "views", "likelihood", "neighbors", "ellipsoid", "reconstruction", "kl", "complexity", "regret",
    "typicality", "latent",
)  # fmt: skip


@click.command()
@options.run
@click.option("-o", "--output", metavar="FILE", help="File to write: .csv, .npz or .json.")
@click.option("--figure", metavar="FILE", help="Also draw a histogram of the scores.")
@click.option(
    "--highest", metavar="FILE", help="Also draw the images, signals or rows with the highest scores."
)
@click.option(
    "--threshold",
    metavar="SHARE|p:VALUE",
    help="Flag this share of the data, such as 0.05, or those with a p-value of at most VALUE.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="auto",
    show_default=True,
    help="The anomaly score. auto: views for tables, and for images complexity, the likelihood ratio to a "
    "general compressor.",
)
@click.option(
    "--samples", type=click.IntRange(1, 1_000_000), default=64, show_default=True,
    help="K, posterior samples per data point.",
)  # fmt: skip
@options.split_or_all
@options.data
@options.strict
@options.random
@processes.processes
@options.slow_model_output
def command(
    run: str,
    output: str | None,
    figure: str | None,
    highest: str | None,
    strict: bool,
    device: str,
    as_json: bool,
    quiet: bool,
    data: str | None,
    processes: int | None,
    **settings: Any,
) -> None:
    """Score rows or images by how anomalous they are, and say which columns are responsible.

    For each: an anomaly score, a p-value against held-out data, the log-likelihood bound with its terms, the
    reconstruction error, and for tables the excess of each column: the nats by which its value is less
    likely, given the rest, than in held-out rows. The first column is the row number or the file name.

    The score of a table is the mean surprise, -log of the share of training rows that are at least as odd,
    of the distance to the nearest 15 % of the training rows (one half), the log-likelihood of the model and a
    robust Mahalanobis distance (a quarter each). A likelihood alone is a poor
    score of images, so theirs is compared with the length of the image in PNG. The p-value is
    (1 + number of held-out scores at least as high) / (n + 1).

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit score runs/table/1 --data new.csv -o scores.csv
      vaekit score runs/table/1 --data new.csv -o scores.csv --threshold p:0.01 --figure scores.png
      vaekit score runs/photos/1 --data new/ -o scores.csv --threshold 0.05 --highest odd.png
    """
    from vaekit.cli.output import emit, open_model, progress_bar, say_notes, say_part
    from vaekit.engine.score import score
    from vaekit.parallel.processes import is_first, joined
    from vaekit.runs import score_plots

    run_in_processes(processes)
    with joined(), progress_bar(quiet or not is_first(), "rows") as progress:
        trained, _ = open_model(run, device, strict)
        scores = score(trained, data, progress=progress, **settings)
    if not is_first():
        return
    say_notes(scores.dataset, data)
    say_part(scores.dataset, len(scores), settings["split"])
    for note in scores.notes:
        click.echo(f"note: {note}", err=True)
    files = [str(scores.save(output))] if output else []
    if figure:
        files.append(str(score_plots.score_histogram(trained, scores).save(figure)))
    if highest:
        files.append(str(score_plots.highest_scores(trained, scores).save(highest)))
    results = _results(scores, files)
    emit(results, "\n".join([*files, *_describe(scores)]), as_json)


def _results(scores: Scores, files: list[str]) -> dict[str, Any]:
    table, top = scores.table(columns=False), scores.highest(SHOWN)
    responsible = scores.responsible()
    named = {name: column[top].tolist() for name, column in table.items()}
    rows: list[dict[str, Any]] = [
        dict(zip(named, values, strict=True)) for values in zip(*named.values(), strict=True)
    ]
    for row, place in zip(rows, top, strict=True):
        if scores.column_names:
            row["columns"] = dict(responsible[place])
    return {
        "files": files,
        "scored": len(scores),
        "method": scores.method,
        "held_out": len(scores.held_out),
        "threshold": scores.threshold or None,
        "anomalies": None if scores.is_anomaly is None else int(scores.is_anomaly.sum()),
        "notes": list(scores.notes),
        "highest": rows,
    }


def _describe(scores: Scores) -> list[str]:
    table, noun = scores.table(columns=False), scores.dataset.noun
    first = next(iter(table))
    lines = [
        f"{count_of(len(scores), noun)} scored by {scores.method}; "
        f"p-values against {len(scores.held_out)} held out"
    ]
    if scores.is_anomaly is not None:
        lines.append(f"{int(scores.is_anomaly.sum())} anomalies: {scores.threshold}")
    meaning = " (nats by which a column is less likely than usual)" if scores.column_names else ""
    lines.append(f"the highest scores{meaning}:")
    responsible = scores.responsible()
    for place in scores.highest(SHOWN):
        why = ", ".join(f"{name} {nats:+.1f}" for name, nats in responsible[place])
        lines.append(
            f"  {first} {table[first][place]}  score {scores.score[place]:.4g}  p {scores.p_value[place]:.3g}"
            + (f"  {why}" if why else "")
        )
    return lines
