"""What is done with a trained model and data, without run directories: evaluate, impute, score, save, load.

`vaekit.runs` and everything above it may import this package. It imports `vaekit.config`,
`vaekit.evaluation`, `vaekit.data`, `vaekit.models` and `vaekit.utils`.

    fit.fit                               train on data that a program holds
    trained_model.TrainedModel            a trained model with arrays and frames in and out
    loaded_model.LoadedModel              the same without these; it loads its own and other data
    model_files.save_model, load_model    a model as a folder of two files
    encode.encode, sample.sample          latents of data, and new data from latents
    evaluate.evaluate                     log p(x) of a split, with `EvaluationOptions`
    evaluate.bdmc_on_model_samples        bounds of log p(x) from both sides
    sample_quality.sample_quality         how close samples are to the data
    score.score                           how anomalous each data point is, with p-values and columns
    impute.impute_dataset                 fill in missing values
    model_plots.ModelPlots                figures of a model, as `model.plot`
    plots, conditional_plots, table_plots figures of a model with their arrays
    conditioning.parse_condition          a label or attributes in words -> the vector to condition on
"""
