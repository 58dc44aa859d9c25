"""What two workers wrote, laid side by side: every number that differs, and every path that one alone has.

Compared are numbers, bit for bit, digests, truth values and nulls. Of words it is compared only that there
are some: they may be put differently.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from same_numbers import names, table

_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_NONE = object()  # where there is no value


class Leaf(NamedTuple):
    """A value, and its path in the tree that it is from."""

    path: str
    value: Any


class Difference(NamedTuple):
    """A path, under its new name where there is one, with what stands there in both trees."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new}"


class Comparison(NamedTuple):
    """What came of it.

    Attributes:
        compared: how many values.
        differences: those that are not the same.
        excused: paths that were left out, counted by the reason.
    """

    compared: int
    differences: list[Difference]
    excused: dict[str, int]

    @property
    def changed(self) -> list[Difference]:
        """Those where both sides have a value, and neither failed."""
        absent = _word(_NONE)
        return [d for d in self.differences if absent not in (d.old, d.new) and not _broken(d.path)]

    @property
    def renamed(self) -> list[tuple[str, str, int]]:
        """What seems to be renamed without a row in the table: new name, old name, and of how many paths.

        Of two paths that one side alone has, with the same value, and that differ in one word.
        """
        absent, known = _word(_NONE), dict[tuple, set[str]]()
        for d in self.differences:
            if d.new == absent:
                for rest, word in _blanked(d.path):
                    known.setdefault((rest, d.old), set()).add(word)
        found: Counter[tuple[str, str]] = Counter()
        for d in self.differences:
            if d.old == absent:
                old = [(word, known.get((rest, d.new), set())) for rest, word in _blanked(d.path)]
                found.update((new, next(iter(words))) for new, words in old if len(words) == 1)
        return [(*names_, count) for names_, count in found.most_common()]

    @property
    def groups(self) -> dict[str, list[Difference]]:
        """The differences by the model or study that they are of."""
        found: dict[str, list[Difference]] = {}
        for difference in self.differences:
            found.setdefault("/".join(difference.path.split("/")[:2]), []).append(difference)
        return found


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """The differences between the trees of values that two workers wrote, of the old names and of the new."""
    before = {leaf.path: leaf for leaf in _plain(old, ())}
    after: dict[str, Leaf] = {}
    compared, differences, excused = 0, [], dict[str, int]()
    for path, leaf in _translated(table.result_shape(dict(new)), (), ()):
        if (other := after.setdefault(path, leaf)) is not leaf:
            differences.append(Difference(leaf.path, path, f"called so too: {other.path}"))
    for path in before | after:
        a, b = before.get(path), after.get(path)
        name = b.path if b else path
        if why := _excuse(name, path, a, b):
            excused[why] = excused.get(why, 0) + 1
            continue
        compared += 1
        x, y = (_NONE if leaf is None else leaf.value for leaf in (a, b))
        if _same(x, path) != _same(y, path) or _broken(name):
            shown = name if name == path or a is None else f"{name} (was {path})"
            differences.append(Difference(shown, _word(x), _word(y)))
    return Comparison(compared, differences, excused)


def _excuse(name: str, path: str, old: Leaf | None, new: Leaf | None) -> str | None:
    if why := names.reason(table.NOT_COMPARED, name):
        return f"not compared: {why}"
    if old is None:
        return (why := names.reason(table.ADDED, name)) and f"added: {why}"
    if new is None:
        return (why := names.reason(table.REMOVED, path)) and f"removed: {why}"
    return None


def _broken(path: str) -> bool:
    """Whether something failed there, so that nothing was compared, even if it failed alike in both trees."""
    return path.endswith("/error")


def _blanked(path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """A path without one of its words, and that word, for each of them."""
    words = re.split(r"([/.])", path)
    for place in range(0, len(words), 2):
        yield (*words[:place], "", *words[place + 1 :]), words[place]


def _plain(tree: Any, path: names.Path) -> Iterator[Leaf]:
    """The leaves of a tree as it is."""
    for key, value in _children(tree):
        yield from _plain(value, (*path, key))
    if not _has_children(tree):
        yield Leaf("/".join(path), tree)


def _translated(tree: Any, new: names.Path, old: names.Path) -> Iterator[tuple[str, Leaf]]:
    """The leaves of a tree of new names, each after its path in old names."""
    for key, value in _children(tree):
        path = (*new, key)
        if key == "recipe" and isinstance(value, Mapping):
            place = (*old, names.old_field(path))
            for leaf in _plain(names.old_recipe(value), place):
                yield leaf.path, leaf
        else:
            known = names.old_weight(key) if new[-1:] == ("weights",) else names.old_field(path)
            yield from _translated(value, path, (*old, known))
    if not _has_children(tree):
        yield "/".join(old), Leaf("/".join(new), tree)


def _children(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, list):
        yield from ((str(place), value) for place, value in enumerate(tree))


def _has_children(tree: Any) -> bool:
    return isinstance(tree, Mapping | list) and len(tree) > 0


def _same(value: Any, path: str) -> str:
    """What two values have in common that are the same; in a recipe words count too."""
    free = isinstance(value, str) and "recipe" not in path.split("/")
    return "words" if free and not _DIGEST.fullmatch(value.partition(" ")[0]) else repr(value)


def _word(value: Any) -> str:
    return "not there" if value is _NONE else repr(value)
