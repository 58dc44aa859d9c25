from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.data import load_dataset as load_data
from vaekit.data.fingerprint import fingerprint
from vaekit.engine.evaluate import EvaluationOptions, _measurement_key, evaluate
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import DataError, InvalidError, NotFoundError, RecipeError, VaekitError
from vaekit.evaluation.estimators import Estimator
from vaekit.runs.run import Run, load
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger
from vaekit.training.locking import lock_directory


class Noting(SilentLogger):
    """Records the messages, and stops a training at the end of an epoch."""

    def __init__(self, stop_after: int | None = None):
        self.notes: list[str] = []
        self.stop_after = stop_after

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, record: dict) -> None:
        if record["epoch"] == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> None:
    monkeypatch.setenv("VAEKIT_CACHE", str(cache))
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "plot", lambda self, only_missing=False: [])


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """A file of 40 gray images of 6x5."""
    path = tmp_path / "levels.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (40, 6, 5), dtype=np.uint8))
    return path


def short(**training: object) -> dict:
    return {"epochs": 2, "sample_every": 0, "threads": 1, **training}


def test_the_example_of_the_package_docstring_runs():
    run = vaekit.train("digits", epochs=1)
    assert run.evaluate(samples=5, images=20).log_likelihood < 0
    assert run.model.sample(16).shape == (16, 1, 8, 8)
    assert "samples.png" in {figure.name for figure in run.figures}
    assert [record["epoch"] for record in run.metrics] == [1]
    assert (run.path / "report.html").is_file()
    assert repr(run) == "Run('runs/digits/1')"


@pytest.mark.usefixtures("undrawn")
def test_runs_are_numbered_or_use_the_given_directory():
    assert [train("digits", **short(epochs=1)).path for _ in range(2)] == [
        Path("runs/digits/1"), Path("runs/digits/2"),
    ]  # fmt: skip
    assert train("digits", run_dir="a/b", **short(epochs=1)).path == Path("a/b")
    Path("runs/digits/9").mkdir()
    assert train("digits", **short(epochs=1)).path == Path("runs/digits/10")


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_run_ends_identically():
    whole = train("digits", **short(epochs=3))
    with pytest.raises(KeyboardInterrupt):
        train("digits", run_dir="cut", log=Noting(stop_after=2), **short(epochs=3))
    cut = Run("cut")
    assert not cut.finished
    assert resume("cut").finished
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, Run("cut").model.state_dict()[name])
    timing = ("seconds", "images_per_second")
    strip = lambda record: {key: value for key, value in record.items() if key not in timing}
    assert [*map(strip, cut.metrics)] == [*map(strip, whole.metrics)]


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_run_can_be_opened():
    with pytest.raises(KeyboardInterrupt):
        train("digits", run_dir="cut", log=Noting(stop_after=1), **short())
    assert not (Path("cut") / "model").exists()
    assert Run("cut").trained.model.sample(2).shape == (2, 1, 8, 8)
    assert Run("cut").summary()["epochs"] == 1
    assert Run("cut").trained.fingerprint == fingerprint(Run("cut").trained.load_data()[0])


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_extension_has_its_newest_weights():
    run = train("digits", **short(epochs=1))
    before = run.model.state_dict()
    with pytest.raises(KeyboardInterrupt):
        resume(run.path, log=Noting(stop_after=3), epochs=4, checkpoint_steps=1)
    cut = Run(run.path)
    assert not cut.finished
    for name, weight in cut.model.state_dict().items():
        assert not torch.equal(weight, before[name])
    shutil.rmtree(run.path / "checkpoint")
    assert Run(run.path).trained.recipe.training.epochs == 1


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_stopped_early_names_the_key_to_continue():
    run = train("digits", ["training.learning_rate=0.2"], **short(epochs=200, patience=1))
    done = len(run.metrics)
    with pytest.raises(InvalidError, match=rf"ended training after {done} epochs; .* training\.patience=2;"):
        resume(run.path)
    assert len(resume(run.path, patience=2).metrics) > done


@pytest.mark.usefixtures("undrawn")
def test_resuming_a_finished_run_is_refused():
    run = train("digits", **short())
    with pytest.raises(InvalidError, match="all 2 epochs are done"):
        resume(run.path)
    with pytest.raises(InvalidError, match=r"seed cannot change after training started; these can: epochs"):
        resume(run.path, seed=2)
    assert len(resume(run.path, epochs=3).metrics) == 3
    assert run.path.joinpath("recipe.yaml").read_text().count("epochs: 3") == 1
    with pytest.raises(InvalidError, match=r"training\.epochs: 3 epochs are done; choose more"):
        resume(run.path, epochs=1)


@pytest.mark.usefixtures("undrawn")
def test_a_directory_in_use_is_not_changed():
    run = train("digits", **short())
    before = (run.path / "recipe.yaml").read_text()
    with lock_directory(run.path), pytest.raises(VaekitError, match="another process"):
        resume(run.path, epochs=3)
    assert (run.path / "recipe.yaml").read_text() == before


@pytest.mark.usefixtures("undrawn")
def test_own_data_get_a_proposed_recipe_with_reasons(levels):
    log = Noting()
    run = train(data=levels.name, log=log, **short(epochs=1))
    assert run.recipe.name == "levels"
    assert run.recipe.data.dataset == str(levels)
    assert log.notes[0] == "data: 40 gray images of 6x5"
    assert [note.split(":")[0] for note in log.notes[-4:-1]] == ["proposed"] * 3
    assert log.notes[-1] == "training in runs/levels/1 on 32 images"
    assert (run.trained.shape, run.trained.title) == ((1, 6, 5), "VAE on levels")


@pytest.mark.usefixtures("undrawn")
def test_a_run_finds_its_data_from_any_folder(levels, tmp_path, monkeypatch):
    run = train(data="levels.npy", run_dir=tmp_path / "r", **short(epochs=1))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(Run(run.path).trained.load_split("test")) == 4


@pytest.mark.usefixtures("undrawn")
def test_a_name_of_the_catalog_stays_a_name(tmp_path):
    (tmp_path / "digits").mkdir()
    assert train("digits", **short(epochs=1)).recipe.data.dataset == "digits"


@pytest.mark.parametrize(
    ("error", "words", "options"),
    [
        (NotFoundError, "neither a path nor a dataset", {"data": "nowhere"}),
        (DataError, "leave no image", {"overrides": ["data.validation=1797"]}),
        (InvalidError, "device: 'cuda:77' is not available", {"device": "cuda:77"}),
        (InvalidError, "training.epochs", {"epochs": 0}),
        (
            DataError,
            "discrete needs gray levels",
            {"data": "reals.npy", "overrides": ["data.binarization=none"]},
        ),
    ],
)
def test_an_invalid_training_leaves_no_run(tmp_path, error, words, options):
    np.save(tmp_path / "reals.npy", np.random.default_rng(0).normal(size=(40, 6, 5)))
    with pytest.raises(error, match=words):
        train("digits", **options)
    assert not (tmp_path / "runs").exists()


def test_a_directory_that_holds_a_run_or_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r/recipe.yaml").touch()
    with pytest.raises(InvalidError, match="already holds a run"):
        train("digits", run_dir="r")
    with pytest.raises(VaekitError, match=r"cannot create r/recipe\.yaml/x"):
        train("digits", run_dir="r/recipe.yaml/x")


@pytest.mark.usefixtures("undrawn")
def test_load_opens_runs_and_models(tmp_path):
    run = train("digits", **short(epochs=1))
    opened = load(run.path)
    assert isinstance(opened.run, Run)
    assert opened.run.finished
    for place in (run.path / "model", run.path / "model/model.safetensors"):
        model = load(place, "cpu")
        assert model.title == "Dense VAE on 8x8 digits"
        assert torch.equal(model.model.sample(2, seed=1), opened.model.sample(2, seed=1))
    with pytest.raises(NotFoundError, match="no such run directory"):
        load(tmp_path / "nowhere")


@pytest.mark.usefixtures("undrawn")
def test_a_model_alone_can_be_moved_and_still_be_measured(tmp_path):
    run = train("digits", **short(epochs=1))
    shutil.move(run.path / "model", tmp_path / "mine")
    seen: list[tuple[int, int]] = []
    found = evaluate(
        load(tmp_path / "mine"),
        EvaluationOptions(5, images=150),
        progress=lambda images, of: seen.append((images, of)),
    )
    assert (found.images, seen) == (150, [(100, 150), (50, 150)])


@pytest.mark.usefixtures("undrawn")
def test_a_run_trained_on_another_device_opens_here(tmp_path):
    run = train("digits", **short(epochs=1))
    text = (run.path / "recipe.yaml").read_text()
    _, _, rest = text.partition("\n")  # the first line seals the rest
    (run.path / "recipe.yaml").write_text(rest.replace("device: auto", "device: cuda:77"))
    assert Run(run.path, "cpu").trained.device == torch.device("cpu")


@pytest.mark.usefixtures("undrawn")
def test_an_evaluation_is_saved(tmp_path):
    run = train("digits", **short(epochs=1))
    found = run.evaluate(samples=5, images=1)
    kept = json.loads((run.path / "evaluation.json").read_text())
    assert {name: kept[name] for name in found.to_dict()} == found.to_dict()
    assert kept["log_likelihood_stderr"] is None


@pytest.mark.usefixtures("undrawn")
def test_training_further_removes_the_evaluation():
    run = train("digits", **short(epochs=1))
    run.evaluate(samples=5, images=1)
    resume(run.path, epochs=2)
    assert not (run.path / "evaluation.json").exists()


@pytest.mark.usefixtures("undrawn")
def test_evaluations_of_other_data_are_not_saved(tmp_path):
    run = train("digits", **short(epochs=1))
    np.save(tmp_path / "other.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    assert run.evaluate(samples=2, data="other.npy").images == 40
    assert not (run.path / "evaluation.json").exists()


@pytest.mark.usefixtures("undrawn")
def test_an_incomplete_line_of_metrics_is_skipped():
    run = train("digits", **short())
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    assert [record["epoch"] for record in run.metrics] == [1, 2]


def test_only_missing_figures_are_drawn():
    run = train("digits", **short(epochs=1))
    assert {figure.stem for figure in run.figures} == {
        "interpolations", "latent-space", "reconstructions", "samples", "training-curves", "traversals",
    }  # fmt: skip
    (run.path / "figures/samples.png").unlink()
    times = {figure: figure.stat().st_mtime_ns for figure in run.figures}
    again = run.plot(only_missing=True)
    assert {figure: figure.stat().st_mtime_ns for figure in again if figure.stem != "samples"} == times
    assert (run.path / "figures/samples.png").is_file()


@pytest.mark.parametrize("images", [2, 5])
def test_a_handful_of_images_can_be_trained_and_drawn(tmp_path, images):
    values = np.random.default_rng(0).integers(0, 256, (images, 6, 5), dtype=np.uint8)
    np.save(tmp_path / "few.npy", values)
    run = train(data="few.npy", **short(epochs=1))
    assert (run.path / "figures/interpolations.png").is_file()
    assert run.evaluate(samples=2, split="train").images == images
    with pytest.raises(InvalidError, match=r"split 'test': no images; expected one of train"):
        run.evaluate()


def test_figures_show_other_images_without_a_test_split():
    run = train("digits", ["data.test=0", "data.validation=0"], **short(epochs=1))
    assert (run.path / "figures/reconstructions.png").is_file()
    assert run.summary()["best_epoch"] is None


@pytest.mark.usefixtures("undrawn")
def test_own_data_keep_their_splits_by_any_name_and_path(levels, tmp_path):
    changes = [f"data.dataset={levels}", "data.test=2", "data.validation=3"]
    trained = train("digits", changes, **short(epochs=1)).trained
    test = trained.load_data()[1].test.tolist()
    assert len(test) == 2
    assert trained.load_data("levels.npy")[1].test.tolist() == test
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(levels, tmp_path / "elsewhere" / "levels.npy")
    assert trained.load_data(str(moved))[1].test.tolist() == test
    with pytest.raises(NotFoundError, match=r"levels\.npy: not found, .* with --data"):
        trained.load_data()


@pytest.mark.usefixtures("undrawn")
def test_data_that_changed_after_training_are_refused(levels, tmp_path):
    run = train(data=levels, **short(epochs=1))
    images = np.load(levels)
    np.save(levels, images[::-1])
    with pytest.raises(
        InvalidError, match=r"changed since .* was trained on it, so its test split may contain"
    ):
        Run(run.path).trained.load_data()
    with pytest.raises(InvalidError, match="changed since training started; restore it"):
        resume(run.path, epochs=2)
    np.save(levels, images)
    Run(run.path).trained.load_data()
    np.save(tmp_path / "other.npy", images[::-1])
    assert len(Run(run.path).trained.load_data("other.npy")[0].images) == 40
    assert len(resume(run.path, epochs=2).metrics) == 2


def test_other_data_must_have_the_same_shape(levels):
    trained = load(_model("digits"))
    with pytest.raises(InvalidError, match=r"was trained on images of 1 x 8 x 8, got 1 x 6 x 5"):
        trained.load_data(str(levels))


def test_a_folder_of_other_images_is_resized_for_the_model(tmp_path):
    from PIL import Image

    folder = tmp_path / "elsewhere" / "digits"  # like the model's own data, but not that
    folder.mkdir(parents=True)
    for i in range(20):
        Image.new("L", (30, 20), i * 10).save(folder / f"{i}.png")
    dataset, splits = load(_model("digits")).load_data(str(folder))
    assert dataset.shape == (1, 8, 8)
    assert splits.test.tolist() == list(range(20))


def _model(name: str) -> Path:
    """A model that was not trained."""
    from vaekit.engine.model_files import save_model

    recipe, dataset = load_recipe(name), load_data(name)
    return save_model(Path("model"), build_model(recipe.model, dataset.shape), recipe, dataset)


VAMP = "model.prior={kind: vamp, components: 8, init: data}"


@pytest.mark.usefixtures("undrawn")
def test_a_vamp_prior_trains_resumes_and_loads_without_its_data(monkeypatch: pytest.MonkeyPatch):
    run = train("digits", [VAMP], **short(epochs=1))
    run = resume(run.path, epochs=2)
    monkeypatch.setattr("vaekit.engine.loaded_model.build_data", None)
    model = load(run.path / "model").model
    assert torch.equal(model.sample(4, seed=0), run.model.sample(4, seed=0))


@pytest.mark.usefixtures("undrawn")
def test_too_few_images_for_the_prior_leave_no_run(levels: Path, tmp_path: Path):
    with pytest.raises(RecipeError, match="components: expected at most"):
        train(data=levels, overrides=["model.prior={kind: vamp, init: data}"], **short())
    assert not (tmp_path / "runs").exists()


def test_a_hierarchical_model_does_all_that_a_flat_one_does():
    run = train("digits", ["model.latent_dim=[3, 2]", VAMP], **short(epochs=1))
    evaluation = run.evaluate(samples=5, images=20)
    assert len(evaluation.kl) == len(run.metrics[0]["kl_layers"]) == 2
    assert evaluation.elbo == pytest.approx(evaluation.reconstruction - sum(evaluation.kl))
    assert {"samples.png", "traversals.png", "latent-space.png"} <= {figure.name for figure in run.figures}
    assert "by layer" in (run.path / "report.html").read_text()
    assert torch.equal(load(run.path / "model").model.sample(4, seed=0), run.model.sample(4, seed=0))


def test_the_pixels_that_were_measured_have_a_digest():
    """Threshold is the same for every seed; a draw is not, nor is what is hidden."""

    def digest(changes: dict, **options: object) -> str:
        recipe = load_recipe("digits").model_copy(deep=True)
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=changes)})
        model = build_model(recipe.model, (1, 8, 8))
        trained = TrainedModel(model.eval(), recipe, (1, 8, 8), (), Path(), "")
        return evaluate(trained, EvaluationOptions(1, **options)).pixels

    drawn, plain = {"binarization": "dynamic"}, {"binarization": "threshold"}
    assert digest(drawn) == digest(drawn, seed=1)
    assert len({digest(drawn), digest(plain), digest(drawn, images=20), digest({**drawn, "seed": 7})}) == 4
    same = {"split": "all"}
    assert digest(plain, **same) == digest({**plain, "seed": 7}, **same)
    assert digest(drawn, **same) != digest({**drawn, "seed": 7}, **same)
    assert digest(plain, **same, missing="pixels:0.5") != digest(
        {**plain, "seed": 7}, **same, missing="pixels:0.5"
    )


def test_partial_results_need_the_same_batches_and_version(monkeypatch: pytest.MonkeyPatch):
    trained = load(_model("digits"))

    def key() -> str:
        dataset, seen = trained.load_data()[0], trained.load_split()
        return _measurement_key(trained, dataset, seen, Estimator(), EvaluationOptions())

    whole = key()
    assert key() == whole
    with monkeypatch.context() as patch:
        patch.setattr(vaekit, "__version__", "0.0.0")
        assert key() != whole
    monkeypatch.setattr("vaekit.models.batching.MAX_IMAGES_PER_BATCH", 7)
    assert key() != whole


def test_damaged_values_per_image_are_ignored(tmp_path: Path):
    (tmp_path / "recipe.yaml").touch()
    file, run = tmp_path / "evaluation.npz", Run(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"elbo": -1.0}')
    np.savez_compressed(file, index=np.arange(9), elbo=np.random.default_rng(0).normal(size=9))
    whole, empty = file.read_bytes(), 0
    assert list(run.per_image) == ["index", "elbo"]
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 9]) + whole[place + 1 :])
        empty += not run.per_image
    assert empty > len(whole) / 2  # the rest are dates and the like


@pytest.mark.usefixtures("undrawn")
def test_overrides_may_be_a_dict_and_keys_their_last_words():
    overrides = {"data": {"train": 40, "validation": 10}, "model.latent_dim": 3}
    run = train("digits", overrides, epochs=1, beta=2, sample_every=0, figures=False, log=SilentLogger())
    recipe = run.recipe
    assert (recipe.data.train, recipe.model.layer_dims, recipe.objective.beta.value) == (40, (3,), 2.0)
    with pytest.raises(RecipeError, match="latent: no such key of a recipe"):
        train("digits", latent=4)
