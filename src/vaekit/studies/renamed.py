"""Old names of study keys, blocks, options and metrics, and the names that replaced them.

A study written for an earlier version is refused with a message that gives the new name.
"""

from __future__ import annotations

KEYS = {
    "about": "description",
    "budget": "preset",
    "budgets": "presets",
    "set": "overrides",
}

BLOCKS = {
    "against": "metric_vs_param",
    "by_epoch": "metric_by_epoch",
    "code_histograms": "latent_histograms",
    "code_normality": "latent_normality",
    "crossed": "pivot_table",
    "differences": "pivot_differences",
    "divergence": "kl_check",
    "gaps": "estimator_gaps",
    "halfway": "midpoint_quality",
    "identity": "elbo_identity",
    "integrated": "exact_log_likelihood",
    "obeyed": "conditional_accuracy",
    "paired": "paired_differences",
    "progress": "samples_by_epoch",
    "restored": "imputation",
    "scatter": "latent_scatter",
    "separability": "latent_probes",
    "sheet": "sample_grid",
    "varied": "conditional_interpolation",
}

OPTIONS = {
    "across": "by",
    "best": "mark_best",
    "by_rate": "sort_by_kl",
    "judged": "n_images",
    "kernel": "kernel_pca",
    "less": "offset",
    "most": "max_latents",
}

METRICS = {
    "annealed": "ais",
    "elbo_fitted": "elbo_optimal_sigma",
    "rate": "kl",
    "seconds_an_epoch": "seconds_per_epoch",
    "sigma_fitted": "optimal_sigma",
}
