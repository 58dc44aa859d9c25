"""Problems of runs on tables: outliers, few rows, simple models that are better."""

from __future__ import annotations

from vaekit.config.loading import load_recipe
from vaekit.runs.diagnose import RunRecords, diagnose
from vaekit.spec import Column

HEIGHT = Column("height", scaling="standard", offset=170.0, scale=10.0, low=140.0, high=200.0)


def records(**more) -> RunRecords:
    evaluation = {"active_units": [2], "layer_dims": [2]} | more.pop("evaluation", {})
    return RunRecords("runs/t/1", load_recipe("digits"), [], evaluation, **more)


def test_a_table_without_problems():
    assert diagnose(records(columns=[HEIGHT], rows=500)) == []


def test_an_outlier_is_named_with_its_column():
    far = Column("height", scaling="standard", offset=170.0, scale=10.0, low=-9999.0, high=200.0)
    [found] = diagnose(records(columns=[far], rows=500))
    assert "column 'height' has values far from the others, such as -9999" in found
    assert "data.missing_values=[-9999]" in found


def test_few_rows_are_said():
    [found] = diagnose(records(columns=[HEIGHT, HEIGHT], rows=19))
    assert found.startswith("only 19 training rows for 2 columns")


def test_a_simple_model_that_is_better():
    found = [
        {"name": "Gaussian", "gain": -2.0, "gain_stderr": 0.5},
        {"name": "b", "gain": 1.0, "gain_stderr": 0.1},
    ]
    [problem] = diagnose(records(columns=[HEIGHT], rows=500, evaluation={"baselines": found}))
    assert problem.startswith("Gaussian is better than the VAE on the same rows, by 2.00 ± 0.50 nats")
    uncertain = [{"name": "Gaussian", "gain": -0.9, "gain_stderr": 0.5}]
    assert diagnose(records(columns=[HEIGHT], rows=500, evaluation={"baselines": uncertain})) == []


def test_independent_columns_are_no_collapse():
    [found] = diagnose(records(columns=[HEIGHT], rows=500, evaluation={"active_units": [0]}))
    assert "the columns look independent" in found
    assert "collapsed" not in found
