"""explore: what it asks for before it serves, and what it says when it does."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx

import vaekit
from vaekit.cli.explore import open_models


def test_it_prints_the_address_serves_there_and_ends_with_ctrl_c(run):
    words = [
        sys.executable,
        "-m",
        "vaekit",
        "explore",
        str(run),
        str(run / "model"),
        "--no-open",
        "--port",
        "0",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            models = httpx.get(f"{address}api/models", timeout=30).json()["models"]
        finally:
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=30)
    assert address.startswith("http://127.0.0.1:")
    assert [model["python"] for model in models] == [
        f"vaekit.load({place!r}, device='cpu')" for place in (str(run), str(run / "model"))
    ]
    assert models[0]["data"] == "digits"
    assert (process.returncode, complaints) == (0, "")


def test_it_opens_a_browser_unless_no_open_is_given(call, run, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: [each.close() for each in sockets])
    result = call("explore", run, "--port", 0)
    assert (result.exit_code, opened) == (0, [result.stdout.strip()])
    assert call("explore", run, "--port", 0, "--no-open").exit_code == 0
    assert len(opened) == 1


def test_a_public_address_has_a_token(call, run, monkeypatch):
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: [each.close() for each in sockets])
    assert "/?token=" in call("explore", run, "--port", 0, "--no-open", "--host", "0.0.0.0").stdout


def test_it_takes_at_most_four_models_and_a_tour_takes_none(fails, run):
    assert "expected at most four models to compare, got 5" in fails(2, "explore", "--demo", *[run] * 4)
    assert "--tour: expected no RUN" in fails(2, "explore", "--tour", run)


def test_without_a_run_it_opens_the_models_of_the_tour():
    names = [trained.recipe.name for trained, _ in open_models((), demo=False, device="cpu")]
    assert names == ["tour-vae", "tour-ae", "tour-beta-vae"]
    trained, expression = open_models((), demo=False, device="cpu")[2]
    assert eval(expression, {"vaekit": vaekit}).recipe == trained.recipe


def test_a_missing_model_is_an_error(fails, run):
    assert "nowhere" in fails(4, "explore", "nowhere")
    assert "image" in fails(3, "explore", run, "--data", "mnist")
    assert "host" in fails(3, "explore", run, "--host", "192.0.2.1", "--no-open")
