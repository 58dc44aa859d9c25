"""Measures a trained model: functions of a VAE, tensors and arrays. Nothing here changes a model.

`vaekit.engine` and everything above it may import this package. It imports `vaekit.models`, `vaekit.data`,
`vaekit.distributions`, `vaekit.nn` and `vaekit.utils`, and knows no recipes and no run directories.

Log-likelihood:
    importance_sampling.measure_batches   log p(x) by importance sampling, with the terms of the bound
    ais.measure_ais                       the same by annealed importance sampling
    bdmc.bdmc                             upper and lower bounds on images from the model itself
    grid_integration.integrate_over_grid  log p(x) of a model with two latents, without sampling
    label_inference.label_posterior       p(y | x) of a conditional model
    psis.pareto_k                         whether importance weights can be trusted
    monte_carlo.evidence_interval         log p(x) with its error over images and draws
    validity.annotate                     whether a number is a log-likelihood of the data

Anomalies:
    anomaly.measure_rows                  log p(x), the terms of the bound and the parts of each data point
    anomaly_views.TableViews              an anomaly score of rows from likelihood, neighbors and an ellipsoid
    anomaly_views.p_values                against held-out data, valid in finite samples
    image_anomaly.likelihood_regret       and complexity, typicality: scores of images

Latent space:
    latent.encode_batches                 means and standard deviations of q(z | x)
    elbo_surgery.elbo_surgery             the KL as mutual information and marginal KL to the prior
    mixture_components.assign_components  which component of a mixture prior an image belongs to
    normality.normality                   how far latents are from N(0, I)
    probes.probe_accuracy                 how well simple classifiers read the class from the latents

Samples and reconstructions:
    sample_metrics.sample_metrics         Frechet and kernel distance, precision and recall
    features.feature_space                the features in which samples are compared
    reconstruction.reconstruction_mse     the squared error of reconstructions
    optimal_sigma.optimal_sigma           the bound with the best variance of a Gaussian decoder

Helpers of these:
    results.Evaluation                    what is saved of an evaluation
    estimators.Estimator                  an estimator of log p(x) and its settings
    resumable.ResumableResults            finished batches in a file
    confidence_intervals.confidence_interval, elbo_identities.elbo_identity
"""
