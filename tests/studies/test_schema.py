"""Reading studies, and the errors of invalid ones."""

from __future__ import annotations

import pytest
import yaml

from vaekit.errors import InvalidError, NotFoundError
from vaekit.studies import plan
from vaekit.studies.library import load_study, parse_study, study_names, study_summary

RUN = {"name": "a", "recipe": "digits"}


@pytest.mark.parametrize("name", study_names())
def test_every_study_is_valid_and_plans_under_all_its_presets(name):
    study = load_study(name)
    assert study.name == name
    assert study.title
    assert study.question
    assert {"quick", "full"} <= set(study.presets)
    for preset in study.presets.values():
        assert plan.plan_variants(study, preset)
    assert study_summary(name)["title"] == study.title


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"runs": [RUN], "titel": ""}, "titel: unknown key; did you mean 'title'?"),
        ({"runs": [{**RUN, "recpe": "x"}]}, "runs.0.recpe: unknown key; did you mean 'recipe'?"),
        ({"runs": [{"name": "a"}]}, "runs.0.recipe: required"),
        ({"runs": []}, "runs: expected"),
        ({}, "runs: required"),
        (
            {"runs": [RUN], "presets": {"quick": {"evaluate": {"sample": 3}}}},
            "presets.quick.evaluate.sample: unknown key; did you mean 'samples'?",
        ),
        (
            {"runs": [RUN], "page": [{"tabel": {}}]},
            "got 'tabel'; did you mean 'table'?",
        ),
        (
            {"runs": [RUN], "page": [{"table": {"colums": []}}]},
            "table: colums: unknown key; did you mean 'columns'",
        ),
        ({"runs": [RUN], "page": [{"samples": {"n": "ten"}}]}, "samples: n: expected an integer"),
        ({"runs": [RUN], "page": [{"heading": None}]}, "heading: text: required"),
        ({"runs": [RUN], "page": [{"text": "a", "table": {}}]}, "page.0: expected one block"),
    ],
)
def test_invalid_studies_are_refused_in_one_line(tree, words):
    with pytest.raises(InvalidError) as error:
        parse_study(tree)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_one_pattern_and_a_bare_block_stand_for_lists_and_options():
    study = parse_study({"runs": [RUN], "presets": {"quick": {"only": "a"}}, "page": ["table"]})
    assert study.presets["quick"].only == ["a"]
    assert study.page == [{"table": {}}]


def test_a_recipe_may_be_a_file_beside_the_study(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: digits\nmodel: {latent_dim: 5}\n")
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({"runs": [{"name": "a", "recipe": "mine.yaml"}]}))
    study = load_study(tmp_path / "s.yaml")
    assert study.name == "s"
    [variant] = plan.plan_variants(study, study.presets["full"])
    assert variant.recipe.model.latent_dim == 5


@pytest.mark.parametrize(
    ("name", "words"), [("latnt-dimension", "did you mean 'latent-"), ("a.yaml", "no such file")]
)
def test_unknown_studies_are_not_found(name, words):
    with pytest.raises(NotFoundError, match=words):
        load_study(name)
