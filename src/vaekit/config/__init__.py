"""The schema of a recipe, reading and merging recipes, and building what they name."""
