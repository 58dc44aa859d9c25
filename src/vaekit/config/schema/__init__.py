"""The schema of a recipe: a pydantic model per section, with ranges, defaults and descriptions.

The keys of `training` are in `vaekit.training.settings`, beside the loop that reads them.

    recipe.Recipe, data.DataSettings, model.ModelSettings, objective.ObjectiveSettings
"""
