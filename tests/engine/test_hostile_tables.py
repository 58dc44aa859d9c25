"""Tables that do not look like those of training: each row gets an answer and a word, or one line refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit.config.build import build
from vaekit.config.propose import propose
from vaekit.engine.impute import impute_dataset
from vaekit.engine.model_files import load_model, save_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.engine.write import write_filled
from vaekit.errors import DataError

HEAD = "when,machine,ok,load,temp,count\n"
GOOD = "2026-01-03,press,True,50.1,20.5,3\n2026-01-04,mill,False,41.2,22.5,7\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A model of a mixed table, at the start of its training."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("hostile")
    lines = [
        f"2026-01-{1 + i % 28:02},{('press', 'lathe', 'mill')[i % 3]},{bool(i % 5)},"
        f"{'' if i % 17 == 0 else f'{rng.normal(50, 12):.3f}'},{rng.normal(20, 3):.4f},{rng.poisson(4)}"
        for i in range(120)
    ]
    (folder / "x.csv").write_text(HEAD + "\n".join(lines) + "\n")
    recipe = propose(folder / "x.csv").recipe
    experiment = build(recipe)
    save_model(folder / "model", experiment.model, recipe, experiment.dataset, experiment.preprocessing)
    return load_model(folder / "model")


ANSWERED = {
    "reordered": ("count,temp,load,ok,machine\n3,20.5,50.1,True,press\n7,22.5,41.2,False,mill\n", ""),
    "extra": (HEAD.replace("\n", ",note\n") + GOOD.replace("\n", ",hi\n"), "left out.* note"),
    "unseen": (HEAD + "a,drill,maybe,50,20,3\nb,,yes,50,20,3\n", "'drill'"),
    "all missing": (HEAD + "a,,,,,\nb,press,True,50,20,3\n", "1 row without any value"),
    "nothing but missing": (HEAD + "a,,,,,\nb,,,,,\n", "2 rows without any value"),
    "huge": (HEAD + "a,press,True,1e300,-1e300,3\nb,mill,False,9e7,20,999999999\n", "count as that far"),
    "negative counts": (HEAD + "a,press,True,50,20,-3\nb,mill,True,50,20,2.5\n", "counts below 0"),
    "other units": (HEAD + "a,press,True,50 kg,293 K,3\nb,mill,True,50,20,3\n", "no numbers.*'293 K'"),
    "semicolons": ((HEAD + GOOD).replace(",", ";"), "semicolons"),
    "zeros and ones": (HEAD + "a,press,1,50,20,3\nb,mill,0,50,20,3\n", ""),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_every_row_is_encoded_scored_and_filled(trained: TrainedModel, tmp_path: Path, name: str) -> None:
    text, said = ANSWERED[name]
    (tmp_path / "new.csv").write_text(text)
    path = str(tmp_path / "new.csv")
    dataset, _ = trained.load_data(path)
    assert not said or any(re.search(said, note) for note in dataset.notes)
    latents = vaekit.encode(trained, path)
    assert latents["row"].tolist() == [0, 1]
    assert np.isfinite(latents["z"]).all()
    scores = vaekit.score(trained, path, samples=8)
    assert len(scores) == 2
    assert np.isfinite(scores.score).all()
    if dataset.has_missing:
        imputed = impute_dataset(trained, data=path, samples=20)
        files = write_filled(tmp_path / "filled.csv", trained, imputed)
        again, _ = trained.load_data(str(files[0]))
        assert not again.has_missing


def fill(trained: TrainedModel, path: str) -> None:
    impute_dataset(trained, data=path, samples=20)


REFUSED = {
    "renamed": (HEAD.replace("temp", "temperature") + GOOD, "'temp' is missing"),
    "other case": (HEAD.replace("temp", "Temp") + GOOD, "did you mean 'Temp'"),
    "missing": ("machine,ok\npress,True\nmill,False\n", "'load', 'temp', 'count' are missing"),
    "empty": ("", "without any row"),
    "header only": (HEAD, "without any row"),
    "blank lines": (HEAD + "\n\n\n", "without any row"),
    "infinite": (HEAD + "a,press,True,inf,20,3\n", "infinite"),
    "open quote": (HEAD + 'a,"press,True,50,20,3\n', "never closed"),
    "ragged": (HEAD + GOOD + "a,b\n", "cells"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(trained: TrainedModel, tmp_path: Path, name: str) -> None:
    text, reason = REFUSED[name]
    (tmp_path / "new.csv").write_text(text)
    for use in (vaekit.encode, vaekit.score, fill):
        with pytest.raises(DataError, match=reason) as caught:
            use(trained, str(tmp_path / "new.csv"))
        assert "\n" not in str(caught.value)
