"""Recipes: their schema, reading and merging them, and building what they name.

A recipe holds all settings of a run. This package may import `training`, `evaluation`, `data`, `models` and
what is below; `engine` and everything above may import this package.

    schema.recipe.Recipe        the whole recipe; its parts are in `schema.data`, `.model` and `.objective`
    loading.load_recipe         a recipe from a name or file, with overrides
    build.build_model           a VAE from settings; also `build_data`, `build_labels`, `build_objective`
    build_callbacks             callbacks and loggers
    propose.propose             a recipe for a dataset that has none
    keys.recipe_keys            every key with its range, default and meaning; `component_keys` of components
    reference.explain_error     messages that name the key
    renamed                     the keys of format 1 and their names today
    recipes/*.yaml              the recipes of the package
"""
