"""The directive `recipe-tables`: all keys of a recipe, and the options of all components, from the code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from vaekit.config.keys import component_keys, component_places, find_keys, recipe_parts


class RecipeTables(SphinxDirective):
    """One section for each part of a recipe, and one for each kind of component."""

    def run(self) -> list[nodes.Node]:
        """The sections."""
        return self.parse_text_to_nodes(recipe_tables(), allow_section_headings=True)


def recipe_tables() -> str:
    """Everything that `vaekit recipes keys` prints, in Markdown."""
    lines: list[str] = []
    for part, meaning in recipe_parts().items():
        lines += [f"## {part}", "", f"{_sentence(meaning)}", "", *_table(find_keys(part)[0]), ""]
    for kind, places in component_places().items():
        found = component_keys(kind)
        lines += [f"## {found.plural}", "", "Named by " + ", ".join(f"`{place}`" for place in places) + "."]
        lines += ["", *_table(found.shared), ""]
        for component in found.components:
            lines += [f"### {component.name}", "", component.meaning, "", *_table(component.keys), ""]
    return "\n".join(lines)


def _table(keys: Iterable[Any]) -> list[str]:
    """Keys as a table; nothing if there are none."""
    rows = [[f"`{key.path}`", f"`{key.default}`", key.values, key.meaning] for key in keys]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    head = [["key", "default", "values", "meaning"], ["---"] * 4]
    return ["| " + " | ".join(row) + " |" for row in [*head, *cells]] if rows else []


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("recipe-tables", RecipeTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
