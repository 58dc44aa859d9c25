"""The tables that `vaekit recipes keys` prints: an overview, the keys of a part, and components of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from vaekit.config.keys import Key, KindKeys

_NARROW = 26  # characters; longer text in the first columns is wrapped


def overview(parts: dict[str, str], kinds: Sequence[KindKeys]) -> RenderableType:
    """The parts of a recipe and the kinds of components, one line each.

    Args:
        parts: the meaning of each part.
        kinds: the kinds of components.

    >>> from rich.console import Console
    >>> from vaekit.config.keys import component_keys
    >>> kinds = [component_keys("objective")]
    >>> Console(width=80).print(overview({"training": "epochs"}, kinds))  # doctest: +NORMALIZE_WHITESPACE
    part      what it sets
    training  epochs
    <BLANKLINE>
    components  names       keys that name one
    objectives  elbo, iwae  objective
    <BLANKLINE>
    vaekit recipes keys PART        the keys of a part, with defaults and meanings
    vaekit recipes keys priors      the components of a kind, with their options
    vaekit recipes keys prior vamp  one component; also FILE.py:NAME and MODULE:NAME
    """
    from rich.console import Group

    from vaekit.cli.output import table

    of_parts = table("part", "what it sets")
    for part, meaning in parts.items():
        of_parts.add_row(part, meaning)
    of_kinds = table("components", "names", "keys that name one")
    for kind in kinds:
        names = ", ".join(component.name for component in kind.components)
        of_kinds.add_row(kind.plural, names, "\n".join(kind.places))
    more = (
        "vaekit recipes keys PART        the keys of a part, with defaults and meanings\n"
        "vaekit recipes keys priors      the components of a kind, with their options\n"
        "vaekit recipes keys prior vamp  one component; also FILE.py:NAME and MODULE:NAME"
    )
    return Group(of_parts, "", of_kinds, "", more)


def part_table(keys: Sequence[Key], kinds: Iterable[str]) -> RenderableType:
    """The keys of a part, and how to see more.

    Args:
        keys: the keys.
        kinds: the kinds of components, in plural, that some of the keys name.

    >>> from rich.console import Console
    >>> from vaekit.config.keys import Key
    >>> keys = [Key("training.epochs", "integer ≥ 1", "10", "passes over the training images")]
    >>> Console(width=80).print(part_table(keys, []))  # doctest: +NORMALIZE_WHITESPACE
    training.  default  values       meaning
    epochs     10       integer ≥ 1  passes over the training images
    """
    from rich.console import Group

    part = keys[0].path.partition(".")[0] + "."
    prefix = part if all(key.path.startswith(part) for key in keys) else ""
    rows = _key_table([key._replace(path=key.path.removeprefix(prefix)) for key in keys], prefix or "key")
    first, *others = [*kinds] or [""]
    more = f"options of components: vaekit recipes keys {first}"
    more += f" (also {', '.join(others)})" if others else ""
    return Group(rows, "", more) if first else rows


def kind_tables(kind: KindKeys) -> RenderableType:
    """The components of a kind: what each is, and its own keys; the keys that all share come first.

    >>> from rich.console import Console
    >>> from vaekit.config.keys import component_keys
    >>> Console(width=110).print(kind_tables(component_keys("posterior", "delta")))
    posteriors, named by model.encoder.posterior; an option is model.encoder.posterior.KEY=VALUE
    <BLANKLINE>
    delta: A point mass; with beta = 0 the model is an autoencoder.
    """
    from rich.console import Group

    every = [*kind.shared, *(key for component in kind.components for key in component.keys)]
    columns = ([f"  {key.path}" for key in every], [key.default for key in every], [k.values for k in every])
    widths = [max((min(len(text), _NARROW) for text in column), default=0) for column in columns]
    title = kind.plural
    if kind.places:
        title += f", named by {', '.join(kind.places)}; an option is {kind.places[-1]}.KEY=VALUE"
    blocks: list[RenderableType] = [title]
    if kind.shared:
        blocks += ["", f"options of all {kind.plural}", _indented(kind.shared, widths)]
    if not kind.components:
        blocks += ["", "vaekit has none; name your own by FILE.py:NAME or MODULE:NAME"]
    for component in kind.components:
        package = f" [{component.package}]" if component.package else ""
        blocks += ["", f"{component.name}{package}: {component.meaning or 'no description'}"]
        if component.keys:
            blocks.append(_indented(component.keys, widths))
    return Group(*blocks)


def _indented(keys: Iterable[Key], widths: Sequence[int]) -> Table:
    return _key_table([key._replace(path=f"  {key.path}") for key in keys], widths=widths)


def _key_table(keys: Iterable[Key], heading: str = "", widths: Sequence[int] = ()) -> Table:
    """One row per key: name, default, allowed values and meaning; tables of the same widths align."""
    from rich.table import Table

    rows = Table(
        box=None, header_style="bold", show_header=bool(heading), pad_edge=False, padding=(0, 2, 0, 0)
    )
    for i, name in enumerate((heading, "default", "values", "meaning")):
        rows.add_column(name, width=widths[i] if i < len(widths) else None, no_wrap=i == 0, overflow="fold")
    for key in keys:
        rows.add_row(key.path, key.default, key.values, key.meaning)
    return rows
