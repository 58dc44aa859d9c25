"""Components from outside: docs/examples/own_components.py, as a file and as an installed package.

The commands are real ones, each in a process of its own, on the digits. So nothing that a test imports or
trusts is known to the next command.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import vaekit
from vaekit import BuildContext, ELBOTerms, testing
from vaekit.errors import RecipeError
from vaekit.models.labels import class_prior
from vaekit.models.objectives import elbo, iwae

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "own_components.py"
DATA = (
    "data.binarization=none",
    "data.values=continuous",
    "model.latent_dim=3",
    "training.epochs=2",
    "training.sample_every=0",
)


@pytest.fixture(scope="module")
def own():
    spec = importlib.util.spec_from_file_location("vaekit_component_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vaekit_command(folder: Path, *words: object, packages: Path | None = None) -> subprocess.CompletedProcess:
    """Call a command line in a folder; `packages` is a folder of installed packages."""
    paths = [str(ROOT / "src"), *([str(packages)] if packages else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "vaekit", *map(str, words)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def succeeds(folder: Path, *words: object, packages: Path | None = None) -> str:
    done = vaekit_command(folder, *words, packages=packages)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(folder: Path, *words: object, packages: Path | None = None) -> str:
    """The one line of a command that ends with exit code 3."""
    done = vaekit_command(folder, *words, packages=packages)
    assert done.returncode == 3, done.stderr
    [line] = done.stderr.strip().splitlines()
    return line


def with_components(prefix: str, names: dict[str, str]) -> list[str]:
    """Overrides that name all components of the example."""
    network = f"{prefix}{names['network']}"
    return [
        *DATA,
        f"model.prior={prefix}{names['prior']}", "model.prior.df=4",
        f"model.decoder.likelihood={prefix}{names['likelihood']}",
        f"model.encoder.network={network}", "model.encoder.network.width=64",
        f"model.decoder.network={network}",
        f"objective.kind={prefix}{names['objective']}", "objective.alpha=0.3", "objective.samples=4",
        f"training.callbacks={prefix}{names['callback']}",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ the numbers


def test_the_example_is_short():
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines[1:]) < 60  # the first is the docstring


def test_the_example_has_the_properties_of_our_own_components(own):
    testing.check_prior(own.HeavyTailed)
    testing.check_prior(own.HeavyTailed, df=3.0, classes=3)
    testing.check_likelihood(own.laplace)
    testing.check_network(own.Normalized)
    testing.check_objective(own.renyi)
    testing.check_objective(own.renyi, alpha=0.2)


@pytest.mark.parametrize("df", [2.5, 5.0, 30.0])
def test_the_prior_is_a_density_of_variance_one(own, df):
    prior = own.HeavyTailed(BuildContext(1), df)
    z = torch.linspace(-2000, 2000, 4_000_001, dtype=torch.float64)[:, None]
    density = prior.double()().log_prob(z).exp()
    assert torch.trapezoid(density, z[:, 0]).item() == pytest.approx(1, abs=1e-4)
    assert prior().variance.item() == pytest.approx(1)
    assert prior().log_prob(torch.tensor([8.0])) > vaekit.StandardNormal(1)().log_prob(torch.tensor([8.0]))


def test_the_prior_depends_on_the_label_that_it_is_conditioned_on(own):
    labels = class_prior(2, torch.tensor([0, 1, 1]))
    context = BuildContext(3, labels=labels, conditioned_parts=frozenset({"prior"}))
    given = own.HeavyTailed(context)(torch.eye(2))
    assert given.batch_shape == (2,)
    assert not torch.equal(given.mean[0], given.mean[1])


@pytest.mark.parametrize("log_scale", [-50.0, 0.0, 50.0])
def test_the_likelihood_integrates_to_one(own, log_scale):
    head = own.laplace()
    assert head.network_output((1, 1, 1)) == (2, 1, 1)
    p = head(torch.tensor([0.3, log_scale], dtype=torch.float64).reshape(1, 2, 1, 1))
    x = torch.linspace(-150, 150, 600_001, dtype=torch.float64)
    density = p.log_prob(x.reshape(-1, 1, 1, 1)).exp()
    assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("inputs", "output"), [([(1, 8, 8)], (6,)), ([(3,), (10,)], (2, 8, 8)), ([(1, 8, 8), (3,)], (4,))]
)
@pytest.mark.parametrize("depth", [1, 3])
def test_the_network_takes_any_shapes_and_all_its_weights_learn(own, inputs, output, depth):
    network = own.Normalized(inputs, output, 7, depth)
    result = network(*(torch.randn(4, *shape) for shape in inputs))
    assert result.shape == (4, *output)
    result.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())
    first, *others = (torch.randn(4, *shape) for shape in inputs)
    assert network(first, *(torch.stack([x, x, x]) for x in others)).shape[-len(output) :] == output


def test_the_objective_lies_between_the_elbo_and_iwae(own):
    torch.manual_seed(1)
    terms = ELBOTerms(torch.randn(6, 5), torch.randn(2, 6, 5), torch.randn(2, 6, 5))
    monte_carlo = -(terms.log_px - terms.log_ratio.sum(0)).mean()
    losses = [own.renyi(terms, alpha=alpha).item() for alpha in (0, 0.3, 0.6, 0.999999)]
    assert losses[0] == pytest.approx(iwae(terms).item(), abs=1e-5)
    assert losses == sorted(losses)
    double = ELBOTerms(terms.log_px.double(), terms.log_pz.double(), terms.log_qz.double())
    assert own.renyi(double, alpha=0.999999).item() == pytest.approx(monte_carlo.item(), abs=1e-4)
    one = ELBOTerms(terms.log_px[:1], terms.log_pz[:, :1], terms.log_qz[:, :1])
    assert own.renyi(one, beta=0.5).item() == pytest.approx(elbo(one, beta=0.5).item(), abs=1e-5)


# ------------------------------------------------------------------------------------------------ as a file

OF_FILE = {
    "prior": "HeavyTailed", "likelihood": "laplace", "network": "Normalized", "objective": "renyi",
    "callback": "weight_norms",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of digits whose components are those of the file."""
    folder = tmp_path_factory.mktemp("file")
    shutil.copy(EXAMPLE, folder)
    succeeds(folder, "train", "digits", *with_components(f"{EXAMPLE.name}:", OF_FILE))
    (folder / EXAMPLE.name).unlink()  # the run has its own copy
    return folder / "runs" / "digits" / "1"


def test_training_learns_and_keeps_the_options(run):
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in epochs if "loss" in line]
    assert losses[-1] < losses[0] - 5
    norms = [json.loads(line) for line in (run / "weight-norms.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in norms] == [1, 2]
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["recipe"]["model"]["prior"]["kind"] == "components/own_components.py:HeavyTailed"
    assert config["recipe"]["model"]["prior"]["df"] == 4
    assert config["recipe"]["objective"]["alpha"] == 0.3
    assert (run / "model" / "components" / EXAMPLE.name).read_bytes() == EXAMPLE.read_bytes()


def test_a_run_is_not_loaded_without_trust(run, monkeypatch):
    line = refused(run.parent, "evaluate", run, "--samples", 5)
    assert "own_components.py:HeavyTailed' is code from outside vaekit" in line
    assert "add --trust own_components.py" in line
    monkeypatch.setattr("vaekit.trust._imported", set())
    with pytest.raises(RecipeError, match="code from outside vaekit, which is not imported"):
        _ = vaekit.load(run / "model")


def test_a_trusted_run_is_evaluated_and_sampled_wherever_it_is(run, tmp_path):
    moved = shutil.copytree(run, tmp_path / "elsewhere")
    trust = ("--trust", EXAMPLE.name)
    words = ("evaluate", moved, "--samples", 20, "--images", 50, "--json", *trust)
    numbers = json.loads(succeeds(tmp_path, *words))
    assert numbers["log_likelihood"] > numbers["elbo"]
    assert math.isfinite(numbers["log_likelihood"])
    assert not any("/" in note for note in numbers["caveats"])
    succeeds(tmp_path, "sample", moved, "-o", "samples.png", *trust)
    assert (tmp_path / "samples.png").stat().st_size > 1000


def test_in_python_trust_is_an_argument(run):
    model = vaekit.load(run / "model", trust=[EXAMPLE.name]).model
    assert type(model.prior.layers[0]).__name__ == "HeavyTailed"
    assert model.sample(4, seed=0).shape == (4, 1, 8, 8)
    norms = json.loads((run / "weight-norms.jsonl").read_text().splitlines()[-1])
    weights = dict(model.named_parameters())
    assert {name: norms[name] for name in weights} == pytest.approx(
        {name: weight.norm().item() for name, weight in weights.items()}, rel=1e-4
    )


def test_a_changed_file_is_not_imported(run, tmp_path):
    moved = shutil.copytree(run / "model", tmp_path / "model")
    with (moved / "components" / EXAMPLE.name).open("a") as file:
        file.write("raise SystemExit('this must not run')\n")
    line = refused(tmp_path, "evaluate", moved, "--trust", EXAMPLE.name)
    assert "own_components.py: changed since the model was saved" in line


# --------------------------------------------------------------------------------------------- as a package

OF_PACKAGE = {
    "prior": "heavy_tailed", "likelihood": "laplace", "network": "normalized", "objective": "renyi",
    "callback": "weight_norms",
}  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """A folder with the package whose pyproject.toml docs/extend.md shows, built and installed by pip."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("packages")
    text = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
    [pyproject] = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (source / "pyproject.toml").write_text(pyproject)
    shutil.copy(EXAMPLE, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--no-cache-dir", "--target", str(target), str(source)],
        check=True, timeout=300,
    )  # fmt: skip
    return target


def test_an_installed_component_has_a_plain_name(packages, tmp_path):
    text = succeeds(tmp_path, "recipes", "keys", "priors", packages=packages)
    assert re.search(r"^heavy_tailed \[heavy-tails 0\.1\]: Independent Student-t latents", text, re.M)
    assert re.search(r"^  df +5\.0 +number > 2 +degrees of freedom", text, re.M)


@pytest.mark.slow
def test_an_installed_component_is_trained_and_evaluated_with_trust(packages, tmp_path):
    succeeds(tmp_path, "train", "digits", *with_components("", OF_PACKAGE), packages=packages)
    words = ("evaluate", "runs/digits/1", "--samples", 5, "--images", 50, "--json")
    line = refused(tmp_path, *words, packages=packages)
    assert "add --trust own_components" in line
    numbers = json.loads(succeeds(tmp_path, *words, "--trust", "own_components", packages=packages))
    assert numbers["log_likelihood"] > numbers["elbo"]
    line = refused(tmp_path, *words, "--trust", "own_components")  # where the package is not installed
    assert "the prior 'heavy_tailed' is of own_components, which is not here" in line


def test_an_option_out_of_range_is_one_line(packages, tmp_path):
    line = refused(
        tmp_path, "train", "digits", "model.prior=heavy_tailed", "model.prior.df=1", packages=packages
    )
    assert "model.prior.df: expected greater than 2, got 1" in line
