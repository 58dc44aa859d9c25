"""Publish a model on the Hugging Face Hub: weights and configuration as plain data, with a model card.

config.json, model.safetensors   the model, as `vaekit.save` writes it
recipe.yaml                      the whole recipe, without folders of this machine
README.md                        the card: metadata, numbers with their protocol, pictures, how to load it
figures/*.png                    the figures of the run
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import vaekit
from vaekit.config.loading import dump_recipe, parse_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.model_files import read_config, save
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, VaekitError, brief, first_line
from vaekit.registry import Trust
from vaekit.runs.hub import PREFIX, REPOSITORY, huggingface_hub
from vaekit.runs.run import Run, load

SHOWN = (
    "samples",
    "reconstructions",
    "latent-plane",
    "training-curves",
)  # figures in the card, first ones first


def push(
    model: str | Path | Run | TrainedModel,
    name: str,
    *,
    license: str | None = None,
    private: bool = False,
    trust: Trust = False,
    message: str = "Upload a model of vaekit",
) -> str:
    """Publish a model on the Hub, with a card.

    The access token is that of huggingface_hub: `hf auth login`, or HF_TOKEN.

    Args:
        model: a run, a model, or the path of one.
        name: OWNER/NAME of the repository, which is made if it does not exist.
        license: of the model, as the Hub names it, such as "mit"; none is stated if None.
        private: whether a new repository is private.
        trust: as for `vaekit.load`, for a path.
        message: of the commit.

    Returns:
        hf://OWNER/NAME, from which `vaekit.load` reads it.

    Raises:
        VaekitError: huggingface_hub is not installed, or the Hub refuses.
        InvalidError: the name is not OWNER/NAME.
        NotFoundError, InvalidError: as for `vaekit.load`.

    >>> push(vaekit.demo(), "digits")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: name: expected OWNER/NAME, such as ada/digits; got 'digits'
    """
    if not REPOSITORY.fullmatch(name):
        raise InvalidError(f"name: expected OWNER/NAME, such as ada/digits; got {brief(name)}")
    hub = huggingface_hub()
    if isinstance(model, Run):
        trained, run = model.trained, model
    else:
        trained = model if isinstance(model, TrainedModel) else load(model, "cpu", trust)
        run = trained.run
    with tempfile.TemporaryDirectory(prefix="vaekit-") as directory:
        stage(trained, run, Path(directory), name, license)
        try:
            api = hub.HfApi(library_name="vaekit", library_version=vaekit.__version__)
            api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=directory, commit_message=message)
        except Exception as error:
            raise VaekitError(f"{name}: not published ({first_line(error)})") from error
    return f"{PREFIX}{name}"


def stage(trained: TrainedModel, run: Run | None, folder: Path, name: str, license: str | None) -> None:
    """Write the files of a repository into a folder.

    Args:
        trained: the model.
        run: where its numbers and figures are; None for a model without a run.
        folder: an empty folder.
        name, license: as for `push`.

    >>> folder = Path(tempfile.mkdtemp())
    >>> stage(vaekit.demo(), None, folder, "ada/demo", "mit")
    >>> sorted(file.name for file in folder.iterdir())
    ['README.md', 'config.json', 'model.safetensors', 'recipe.yaml']
    """
    save(replace(trained, recipe=without_folders(trained.recipe)), folder)
    recipe = read_config(folder / "config.json")["recipe"]
    (folder / "recipe.yaml").write_text(dump_recipe(recipe), encoding="utf-8")
    figures = [] if run is None else run.figures
    for figure in figures:
        (folder / "figures").mkdir(exist_ok=True)
        shutil.copyfile(figure, folder / "figures" / figure.name)
    evaluation = {} if run is None else run.evaluation
    names = [figure.name for figure in figures]
    (folder / "README.md").write_text(model_card(trained, name, license, evaluation, names), encoding="utf-8")


def without_folders(recipe: Recipe) -> Recipe:
    """A recipe in which absolute paths of files, which name folders of this machine, are names of files.

    >>> without_folders(Recipe(data={"dataset": "/home/ada/rows.csv"})).data.dataset
    'rows.csv'
    """
    return parse_recipe(_names_of_files(recipe.model_dump(mode="json")), recipe.name, trust=True)


def _names_of_files(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _names_of_files(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_names_of_files(inner) for inner in value]
    is_path = isinstance(value, str) and Path(value).is_absolute() and ".py:" not in value
    return Path(value).name if is_path else value


def model_card(
    trained: TrainedModel,
    name: str,
    license: str | None = None,
    evaluation: dict[str, Any] | None = None,
    figures: list[str] | None = None,
) -> str:
    """The card of a model: YAML metadata, then Markdown.

    Args:
        trained: the model.
        name, license: as for `push`.
        evaluation: its numbers and their protocol, as in evaluation.json.
        figures: names of files in figures/.

    >>> print(model_card(vaekit.demo(), "ada/demo", "mit").split("---")[1].strip())
    license: "mit"
    library_name: "vaekit"
    tags: ["vaekit", "variational-autoencoder", "pytorch"]
    """
    metadata: dict[str, Any] = {
        **({"license": license} if license else {}),
        "library_name": "vaekit",
        "tags": ["vaekit", "variational-autoencoder", "pytorch"],
    }
    recipe, shape = trained.recipe, " x ".join(map(str, trained.shape))
    parts = recipe.model
    seen = f"{len(trained.columns)} columns" if trained.columns else shape
    lines = [
        "---", *(f"{key}: {json.dumps(value)}" for key, value in metadata.items()), "---", "",
        f"# {trained.title}", "",
        f"A variational autoencoder of vaekit {vaekit.__version__}: data points of {seen}, "
        f"{trained.model.latent_dim} latents, prior {parts.prior.kind}, likelihood "
        f"{parts.decoder.likelihood.kind}. recipe.yaml has all settings.", "",
        "```python", "import vaekit", "",
        f'model = vaekit.load("{PREFIX}{name}")', "model.sample(16, seed=0)", "```", "",
        *_numbers(evaluation or {}),
        *_pictures(figures or []),
        "The files are data alone: config.json, and weights as safetensors. Loading runs none of their code.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _numbers(evaluation: dict[str, Any]) -> list[str]:
    """The numbers of an evaluation with their protocol."""
    if not evaluation:
        return []
    name = "log p(x), lower bound" if evaluation.get("is_likelihood", True) else "score, no log-likelihood"
    rows = [
        (name, "log_likelihood", "nats"),
        ("ELBO", "elbo", "nats"),
        ("reconstruction", "reconstruction", "nats"),
        ("bits per dimension", "bits_per_dimension", "bits"),
    ]
    table = [
        f"| {label} | {evaluation[key]:.3f} {unit} | {_error(evaluation.get(f'{key}_stderr'))} |"
        for label, key, unit in rows
        if isinstance(evaluation.get(key), int | float)
    ]
    protocol = ", ".join(
        f"{key} {evaluation[key]}"
        for key in ("dataset", "split", "images", "estimator", "samples", "seed")
        if evaluation.get(key) is not None
    )
    head = ["## Numbers", "", "| mean over data points | value | standard error |", "|---|---|---|"]
    notes = [f"Note: {caveat}.\n" for caveat in evaluation.get("caveats", [])]
    return [*head, *table, "", f"Protocol: {protocol}; measured by `vaekit evaluate`.", "", *notes]


def _error(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _pictures(figures: list[str]) -> list[str]:
    names = [name for name in (f"{stem}.png" for stem in SHOWN) if name in figures] or sorted(figures)[:3]
    return [line for name in names for line in (f"![{Path(name).stem}](figures/{name})", "")]
