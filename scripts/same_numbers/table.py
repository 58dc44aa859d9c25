"""Every rename since the old commit, new name -> old name.

`rows.py` and `worker.py` speak new names alone. Where they run on the old tree, and where numbers of the new
tree are laid beside those of the old one, a new name is looked up here; one that is not here is the same in
both. So whoever renames something renames it in `rows.py` and `worker.py` too, and adds ONE row here, to the
section it belongs to. Each section says what its keys are, and shows a row that is only an example.

Leave this file out of any search and replace: old names stay as they were. Where something is renamed once
more, the key of its row changes and nothing else. Once the old commit is left behind for a later one, empty
all sections.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

# ------------------------------------------------------------------------------------------------- Python
# What the worker touches of vaekit. Functions are listed in its PYTHON and called by
# `names.run("module.name")`, methods by `names.call(thing, "Class.method", keyword=...)`.

# Functions, classes and modules by their dotted names; the longest row that begins a name counts, so a module
# that moved takes one row for everything in it.
#   "vaekit.new.place": "vaekit.old",
PYTHON: dict[str, str] = {
    "vaekit.config.loading.load_recipe": "vaekit.recipes.load",
    "vaekit.config.loading.recipe_names": "vaekit.recipes.names",
    "vaekit.data.catalog.find_entry": "vaekit.data.catalog.entry",
    "vaekit.data.locate.find_source": "vaekit.data.resolve.where",
    "vaekit.studies.library.load_study": "vaekit.studies.load",
    "vaekit.studies.library.study_names": "vaekit.studies.names",
    "vaekit.studies.plan.plan_variants": "vaekit.studies.plan.variants",
}

# Methods and attributes, Class.new_name -> old name.
#   "Run.bounds": "sandwich",
MEMBERS: dict[str, str] = {
    "TrainedModel.load_split": "observed",
    "TrainedModel.load_data": "data",
    "TrainedModel.subset": "split",
    "TrainedModel.with_missing": "hiding",
    "Study.presets": "budgets",
    "Results.failures": "faults",
    "Run.bdmc": "sandwich",
}

# Keyword arguments, of functions by `function:keyword`, of methods by `Class.method:keyword`.
#   "Run.evaluate:importance_samples": "samples",
#   "vaekit.study:parallel": "jobs",
KEYWORDS: dict[str, str] = {
    "Run.evaluate:init": "start",
    "VAE.impute:context": "y",
    "VAE.interpolate:context": "y",
    "VAE.interpolate:context_b": "y_b",
    "VAE.reconstruct:context": "y",
    "VAE.impute:sample_pixels": "draw",
    "VAE.reconstruct:sample_latents": "draw",
    "VAE.sample:sample_pixels": "draw",
    "Run.bdmc:init": "start",
    "vaekit.study:preset": "budget",
}

# Values of keyword arguments, {new value: old value} of a keyword as above.
#   "Run.evaluate:estimator": {"annealed": "ais"},
ARGUMENTS: dict[str, dict[Any, Any]] = {
    "Run.evaluate:estimator": {"importance": "is"},
    "Run.evaluate:labels": {"condition": "given", "marginalize": "missing"},
}

# ------------------------------------------------------------------------------------------------ recipes
# Keys, by their new path. `*` stands for any one key. Only the last key of the path is renamed; rows of the
# keys above it are rows of their own.
#   "training.rate": "learning_rate",
#   "model.*.network.hidden": "width",
RECIPE_KEYS: dict[str, str] = {
    "data.dataset": "name",
    "data.color": "colour",
    "model.latent_dim": "latent",
    "model.*.network.hidden_sizes": "width",
    "model.encoder.posterior.type": "form",
    "model.encoder.posterior.hidden_sizes": "width",
    "model.prior.type": "form",
    "model.prior.hidden_sizes": "width",
    "model.prior.init_std": "spread",
    "model.prior.init": "start",
    "model.condition.variable": "by",
    "model.condition.parts": "into",
    "objective.beta.warmup": "over",
    "objective.beta.init": "start",
    "objective.beta.final": "value",
    "training.schedule.min_lr_ratio": "final",
    "training.sample_every": "pictures",
    "training.on_nan": "on_divergence",
}

# Values, {new value: old value} at the new path of a key.
#   "model.decoder.likelihood.kind": {"discretized_logistic": "discretised_logistic"},
RECIPE_VALUES: dict[str, dict[Any, Any]] = {
    "data.crop": {"center": "centre"},
    "data.color": {"gray": "grey"},
    "model.decoder.likelihood.kind": {"discretized_logistic": "discretised_logistic"},
    "model.prior.weights": {"class_conditional": "class"},
    "objective.kind": {"iwae": "importance_weighted"},
}

# Names of the recipes that the package carries.
#   "mnist-convolutional": "mnist-conv",
RECIPES: dict[str, str] = {}


def recipe_shape(tree: Tree) -> Tree:
    """A recipe of the new shape -> the same of the old shape, where renaming keys is not enough.

    Comes before the tables above: what is given has new names everywhere, and may lack any key, since a
    worker says only what it wants; or have all of them, since resolved recipes are compared too. The tree may
    be changed in place. For example, where kinds of the posterior became one kind with an option:

        posterior = tree.get("model", {}).get("encoder", {}).get("posterior")
        if isinstance(posterior, dict) and posterior.get("kind") == "gaussian":
            posterior["kind"] = posterior.pop("parametrization", "log_variance")
            if posterior["kind"] in ("sigma", "signed_sigma"):
                posterior.pop("bounds", None)  # which those kinds did not have
    """
    _join_observation(tree.get("data"))
    encoder = tree.get("model", {}).get("encoder", {})
    if "posterior" in encoder:
        encoder["posterior"] = _old_posterior(encoder["posterior"])
    return tree


def _join_observation(data: Any) -> None:
    """One key, `observation`, stood for `binarization` and `values`."""
    if isinstance(data, dict) and ("binarization" in data or "values" in data):
        binarization, values = data.pop("binarization", "dynamic"), data.pop("values", "discrete")
        plain = {"discrete": "grey", "continuous": "unit"}[values]
        data["observation"] = plain if binarization == "none" else binarization


def _old_posterior(posterior: Any) -> Any:
    """What are parametrizations of one kind were four kinds."""
    kinds = {
        "log_var": "log_variance",
        "log_std": "log_sigma",
        "softplus": "sigma",
        "unconstrained": "signed_sigma",
    }
    options = dict(posterior) if isinstance(posterior, dict) else {"kind": posterior}
    if options.get("kind") == "delta":
        options["kind"] = "dirac"
    elif options.get("kind", "gaussian") == "gaussian":
        options["kind"] = kinds[options.pop("parametrization", "log_var")]
        if options["kind"] in ("sigma", "signed_sigma"):
            options.pop("bounds", None)
    return options


# ------------------------------------------------------------------------------------------------ studies
# Names of the studies that the package carries.
#   "parametrization": "parametrisation",
STUDIES: dict[str, str] = {
    "parametrization": "parametrisation",
}

# Keys of a study's YAML that the worker changes, by their path: `budgets` and `budgets.quick`; `runs`,
# `seeds` and `evaluate` of a budget; `evaluate.samples` and its like; `page`, and options of blocks as
# `page.block.option`.
#   "evaluate.importance_samples": "samples",
#   "page.gaps.number": "images",
STUDY_KEYS: dict[str, str] = {
    "presets": "budgets",
    "page.imputation.n_images": "judged",
}

# Kinds of blocks whose options the worker changes.
#   "bounds_on_both_sides": "gaps",
BLOCKS: dict[str, str] = {
    "estimator_gaps": "gaps",
    "exact_log_likelihood": "integrated",
    "kl_check": "divergence",
    "latent_probes": "separability",
    "latent_scatter": "scatter",
    "latent_histograms": "code_histograms",
    "latent_normality": "code_normality",
    "midpoint_quality": "halfway",
    "conditional_accuracy": "obeyed",
    "imputation": "restored",
    "sample_grid": "sheet",
}

# ---------------------------------------------------------------------------------------- what is written
# Files of a run or a study, by their paths inside its folder.
#   "evaluation/importance.json": "evaluation.json",
FILES: dict[str, str] = {}

# Fields of JSON files, names of the arrays in .npz files, and names of metrics: the end of the new path, its
# keys parted by `/`, `*` for any one of them. Only the last key is renamed. The longest row that fits counts.
#   "bits_per_pixel": "bits_per_dimension",
#   "quality/fid": "frechet",
FIELDS: dict[str, str] = {
    "kl": "rate",
    "metrics/*/kl": "kl",
    "label_kl": "label_rate",
    "presets/*/description": "about",
    "init": "start",
    "layer_dims": "latents",
    "marginal_kl": "prior_gap",
    "mutual_information": "information",
    "surgery_images": "aggregated",
    "is_best": "kept",
    "kl_layers": "kl_levels",
    "epochs/kl": "kl",
    "metrics/seconds_per_epoch": "seconds_an_epoch",
    "metrics/ais": "annealed",
    "metrics/elbo_optimal_sigma": "elbo_fitted",
    "metrics/optimal_sigma": "sigma_fitted",
    "metrics/*/std": "deviation",
    "cells/*/std": "deviation",
    "presets/*/overrides": "set",
    "results/preset": "budget",
    "results/variants": "runs",
    "results/variants/*/runs": "trainings",
    "results/variants/*/runs/*/failure": "fault",
}

# Names of weights: a regular expression found in the new name, and what stands there in the old one.
#   r"^posterior\.": "encoder.",
WEIGHTS: dict[str, str] = {
    r"^(prior|encoder)\.layers\.": r"\1.links.",
    r"\.join\.linears\.": ".join.maps.",
    r"^labels\.center$": "labels.centre",
    r"^labels\.scale$": "labels.spread",
}


def result_shape(tree: Tree) -> Tree:
    """All that the worker wrote of the new tree, in the old shape, where renaming fields is not enough.

    Comes before `FIELDS`. The paths that differ are printed by `same_numbers.py`, such as
    models/<row>/evaluation/elbo; what is given holds the same tree as nested dictionaries.
    """
    values = {
        "estimator": {"importance": "is"},
        "labels": {"condition": "given", "marginalize": "missing"},
    }

    def translate(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: translate(child, name) for name, child in node.items()}
        if isinstance(node, list):
            return [translate(child) for child in node]
        return values.get(key, {}).get(node, node) if isinstance(node, str) else node

    return translate(tree)


# ---------------------------------------------------------------------------------------- what may differ
# Paths, as `same_numbers.py` prints them, `*` for anything, with the reason.

# Never compared.
NOT_COMPARED: dict[str, str] = {
    "*/seconds": "a clock",
    "*/seconds/*": "a clock",
    "*/seconds_per_epoch": "a clock",
    "*/seconds_per_epoch/*": "a clock",
    "*/images_per_second": "a clock",
    "*/images_per_second/*": "a clock",
    "studies/*/results/environment/*": "the machine, not the numbers",
    "*/recipe/name": "words",
    "*/recipe/title": "words",
    "*/recipe/reference": "words",
}

# In the new tree alone, on purpose (a new path).
#   "models/*/evaluation/median": "a number that there was not",
ADDED: dict[str, str] = {
    "*recipe/objective/beta/unit": "every schedule of beta has a unit, the constant one too",
    "*recipe/training/callbacks": "a recipe may name callbacks",
    "*recipe/data/options": "a recipe may name a function that makes its data",
    "*evaluation/metrics": "an evaluation may have metrics of the user",
    "*quality/metrics": "an evaluation may have metrics of the user",
    "*labels missing/metrics": "an evaluation may have metrics of the user",
    "*hidden/metrics": "an evaluation may have metrics of the user",
}

# In the old tree alone, on purpose (an old path).
#   "studies/*/results/runs/*/metrics/epochs/*": "said by another number",
REMOVED: dict[str, str] = {}

# ------------------------------------------------------------------------------------------- planted bugs
# What `--plant` may change in the new tree, to show that the change is found: a function by its new dotted
# name, whose result is multiplied by 1 + 1e-6. The first is planted where none is named.
PLANTED: dict[str, str] = {
    "kl": "vaekit.models.elbo._analytic_kl",
    "pixels": "vaekit.models.masking.masked_log_prob",
}
