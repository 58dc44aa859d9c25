import pytest

from vaekit.studies import plan
from vaekit.studies.library import load_study, study_names


@pytest.mark.parametrize("name", study_names())
def test_every_packaged_study_plans_its_runs_under_each_preset(name):
    study = load_study(name)
    assert study.title
    assert study.question
    for preset in study.presets:
        _, settings = plan.choose_preset(study, preset)
        variants = plan.plan_variants(study, settings)
        assert len({variant.name for variant in variants}) == len(variants) > 0
        assert all(len(variant.seeds) == settings.seeds for variant in variants)
