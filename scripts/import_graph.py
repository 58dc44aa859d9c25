"""Who imports whom in `src/vaekit`, from the code alone: names at the top, imports upwards, circles.

    python scripts/import_graph.py [SOURCE]

Every import counts: those inside functions and those for type checkers too. The floors below are the import
rule: a module imports its own package and lower floors, never a higher one or a neighbor on its own floor.
The package `vaekit` itself only hands out public names, so an import of `vaekit` alone, for its version, is
no edge.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "vaekit"

FLOORS: tuple[tuple[str, ...], ...] = (  # lowest first
    ("errors",),
    ("trust",),
    ("registry",),
    ("spec", "utils"),
    ("plotting",),
    ("nn", "distributions"),
    ("models", "data"),
    ("parallel",),
    ("training", "evaluation"),
    ("config",),
    ("engine",),
    ("runs",),
    ("studies", "explorer", "sklearn", "hub"),
    ("testing",),
    ("cli",),
    ("__main__",),
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}
ONLY_ABOVE = {"plotting": "engine"}  # a figure is drawn by what names things, never by mathematics

Graph = dict[str, set[str]]


def modules(source: Path = SOURCE) -> dict[str, Path]:
    """The dotted name of every module under a package folder -> its file."""

    def name(file: Path) -> str:
        return ".".join(file.relative_to(source.parent).with_suffix("").parts).removesuffix(".__init__")

    return {name(file): file for file in sorted(source.rglob("*.py"))}


def import_graph(source: Path = SOURCE) -> Graph:
    """Module -> the modules of the package that it imports, the package's own root left out."""
    files, root = modules(source), source.name
    return {
        name: {found for found in _imports(file, name, files) if found not in (root, name)}
        for name, file in files.items()
        if name != root
    }


def top_names(source: Path = SOURCE) -> set[str]:
    """The packages and modules directly under the package folder."""
    return {file.relative_to(source).parts[0] for file in modules(source).values()}


def upward_imports(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that break the rule of the floors, as (importing module, imported module)."""
    return sorted((name, found) for name, used in graph.items() for found in used if _is_upward(name, found))


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of modules that import each other in a circle (Tarjan 1972: strongly connected parts)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for used in sorted(graph[name]):
            if used not in order:
                visit(used)
            if used in stack:
                lowest[name] = min(lowest[name], lowest[used])
        if lowest[name] == order[name]:
            part = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(part) > 1:
                found.append(sorted(part))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def package_graph(graph: Mapping[str, set[str]]) -> Graph:
    """The same between the packages at the top."""
    packages: Graph = {_package(name): set() for name in graph}
    for name, used in graph.items():
        packages[_package(name)] |= {_package(found) for found in used} - {_package(name)}
    return packages


def _imports(file: Path, name: str, files: Mapping[str, Path]) -> Iterator[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if (found := inner if inner in files else base) in files:
                    yield found


def _package(name: str) -> str:
    """`evaluation` for `vaekit.evaluation.ais`."""
    return name.split(".")[1]


def _is_upward(name: str, found: str) -> bool:
    here, there = _package(name), _package(found)
    if here == there or here not in FLOOR or there not in FLOOR:
        return False
    if there in ONLY_ABOVE and FLOOR[here] < FLOOR[ONLY_ABOVE[there]]:
        return True
    return FLOOR[there] >= FLOOR[here]


def main() -> None:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    graph = import_graph(source)
    upward, found = upward_imports(graph), circles(graph)
    print(f"{len(modules(source))} files, {len(top_names(source))} names at the top")
    print(f"{len(upward)} imports upwards", *(f"  {name} -> {used}" for name, used in upward), sep="\n")
    print(f"{len(found)} circles", *(f"  {', '.join(part)}" for part in found), sep="\n")


if __name__ == "__main__":
    main()
