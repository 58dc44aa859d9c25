"""The schema of a recipe: its four parts, each in a file."""
