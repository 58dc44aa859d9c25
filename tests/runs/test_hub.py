"""Push and load by the real huggingface_hub, against a server on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import vaekit
from runs.hub_server import COMMIT, HubServer
from vaekit.errors import InvalidError, NotFoundError, VaekitError
from vaekit.runs import hub
from vaekit.runs.push import model_card, stage

EVALUATION = {
    "dataset": "mnist", "split": "test", "images": 500, "estimator": "importance", "samples": 5000, "seed": 0,
    "log_likelihood": -130.25, "log_likelihood_stderr": 1.5, "elbo": -133.0, "bits_per_dimension": None,
}  # fmt: skip


@pytest.fixture
def server(tmp_path, monkeypatch) -> HubServer:
    pytest.importorskip("huggingface_hub", reason='needs pip install "vaekit[hub]"')
    found = HubServer()
    from huggingface_hub import constants

    environment = {
        "HF_ENDPOINT": found.address, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_test",
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "VAEKIT_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    for key, value in {
        "ENDPOINT": found.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": found.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "hf" / "hub"),
        "HF_HUB_DISABLE_XET": True,
    }.items():
        monkeypatch.setattr(constants, key, value)
    yield found
    found.shutdown()


def test_a_model_comes_back_from_the_hub(server, tmp_path):
    demo = vaekit.demo()
    assert vaekit.push(demo, "ada/digits", license="mit", private=True) == "hf://ada/digits"
    files = server.repositories["ada/digits"]
    assert sorted(files) == ["README.md", "config.json", "model.safetensors", "recipe.yaml"]
    assert server.private["ada/digits"]
    assert 'license: "mit"' in files["README.md"].decode()
    loaded = vaekit.load("hf://ada/digits", device="cpu")
    np.testing.assert_array_equal(loaded.sample(3, label=7, seed=0), demo.sample(3, label=7, seed=0))
    assert COMMIT in str(loaded.source)
    assert not any(file.is_symlink() for file in loaded.source.rglob("*"))
    assert vaekit.load(f"hf://ada/digits@{COMMIT}", device="cpu").recipe == loaded.recipe


@pytest.mark.slow
def test_the_command_line_takes_hub_names(server, tmp_path):
    vaekit.push(vaekit.demo(), "ada/digits")
    command = [sys.executable, "-m", "vaekit", "sample", "hf://ada/digits", "-n", "2", "-o", "x.png"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert (done.returncode, (tmp_path / "x.png").exists()) == (0, True), done.stderr


def test_only_files_of_a_model_are_fetched(server):
    vaekit.push(vaekit.demo(), "ada/digits")
    server.repositories["ada/digits"] |= {"setup.py": b"raise SystemExit", "hubconf.py": b"raise SystemExit"}
    folder = hub.fetch("hf://ada/digits")
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert not any("setup.py" in line for line in server.seen)


def test_what_is_not_there_is_said_in_one_line(server):
    with pytest.raises(NotFoundError, match="hf://ada/nothing: no such model on the Hub"):
        vaekit.load("hf://ada/nothing")
    server.repositories["ada/other"], server.private["ada/other"] = {"weights.bin": b""}, False
    with pytest.raises(NotFoundError, match=r"holds no model of vaekit; expected config\.json"):
        vaekit.load("hf://ada/other")


def test_a_damaged_download_is_refused(server):
    vaekit.push(vaekit.demo(), "ada/digits")
    files = server.repositories["ada/digits"]
    files["model.safetensors"] = files["model.safetensors"][:-1] + b"\x01"
    with pytest.raises(InvalidError, match="SHA-256"):
        vaekit.load("hf://ada/digits")


def test_a_link_out_of_the_cache_is_refused(tmp_path):
    snapshot = tmp_path / "models--ada--digits" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (tmp_path / "secret").write_text("{}")
    (snapshot / "config.json").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidError, match=r"config\.json leads out of the cache of this model"):
        hub._copy(snapshot, tmp_path / "out", "hf://ada/digits")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["hf://", "hf://ada", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a b/c"])
def test_malformed_names_are_refused(name):
    with pytest.raises(InvalidError, match="expected hf://OWNER/NAME"):
        hub.fetch(name)


def test_without_the_package_a_message_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(VaekitError, match=r'pip install "vaekit\[hub\]"'):
        vaekit.load("hf://ada/digits")


def test_a_number_that_is_no_likelihood_is_labeled_and_its_caveats_are_there():
    evaluation = EVALUATION | {
        "is_likelihood": False, "bits_per_dimension": 1.5, "caveats": ["the pixels are not binary"],
    }  # fmt: skip
    card = model_card(vaekit.demo(), "ada/digits", "mit", evaluation)
    assert "| score, no log-likelihood | -130.250 nats" in card
    assert "| bits per dimension | 1.500 bits" in card
    assert "Note: the pixels are not binary." in card


def test_no_folder_of_this_machine_is_published(tmp_path):
    demo = vaekit.demo()
    data = demo.recipe.data.model_copy(update={"dataset": str(tmp_path / "secret" / "rows.npy")})
    training = demo.recipe.training.model_copy(update={"logger": [{"kind": "csv"}]})
    recipe = demo.recipe.model_copy(update={"data": data, "training": training})
    stage(replace(demo, recipe=recipe), None, tmp_path, "ada/digits", None)
    for file in ("config.json", "recipe.yaml", "README.md"):
        text = (tmp_path / file).read_text()
        assert str(tmp_path) not in text
        assert "kind: csv" not in text
    assert "rows.npy" in (tmp_path / "recipe.yaml").read_text()


def test_the_card_has_the_numbers_with_their_protocol_and_the_pictures():
    card = model_card(vaekit.demo(), "ada/digits", "mit", EVALUATION, ["latent-plane.png", "samples.png"])
    _, head, text = card.split("---\n", 2)
    metadata = {key: json.loads(value) for key, value in (line.split(": ", 1) for line in head.splitlines())}
    assert metadata == {
        "license": "mit",
        "library_name": "vaekit",
        "tags": ["vaekit", "variational-autoencoder", "pytorch"],
    }
    assert "| log p(x), lower bound | -130.250 nats | 1.500 |" in text
    assert "dataset mnist, split test, images 500, estimator importance, samples 5000, seed 0" in text
    assert text.index("figures/samples.png") < text.index("figures/latent-plane.png")
    assert 'vaekit.load("hf://ada/digits")' in text
