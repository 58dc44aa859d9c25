"""Generators of hostile YAML: texts of recipes and studies, and overrides on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

BOMB = (
    "extends: digits\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    + "title: *a8\n"
)

REFUSED = {
    "aliases": BOMB,
    "alias of itself": "a: &a [*a]\n",
    "alias of its own key": "&a x: &b {y: *b}\n",
    "merge keys": "".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9)),
    "merged merge keys": "a0: &a0 {k: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9)),
    "merge of a list": "<<: [1, 2]\n",
    "deep lists": "title: " + "[" * 2000 + "]" * 2000 + "\n",
    "very deep lists": "title: " + "[" * 400_000,
    "deep blocks": "\n".join(" " * i + "a:" for i in range(900)),
    "timestamp": "title: 2024-13-45\n",
    "date": "title: 2024-01-01\n",
    "empty int": "training: {epochs: !!int ''}\n",
    "float of a word": "training: {learning_rate: !!float fast}\n",
    "binary": "title: !!binary '%%%'\n",
    "pairs": "title: !!pairs [a: 1]\n",
    "set": "training: !!set {epochs}\n",
    "unknown tag": "title: !mine x\n",
    "python tag": "title: !!python/object/apply:os.getcwd []\n",
    "no-value key": "? \n: x\n",
    "list as key": "? [a, b]\n: x\n",
    "mapping as key": "{{a: b}: c}\n",
    "duplicate keys": "training: {epochs: 2}\ntraining: {epochs: 3}\n",
    "inner duplicate keys": "training: {epochs: 2, epochs: 3}\n",
    "true epochs": "training: {epochs: true}\n",
    "yes epochs": "training: {epochs: yes}\n",
    "true in a list": "model: {latent_dim: [true, 2]}\n",
    "NaN": "training: {learning_rate: .nan}\n",
    "infinity": "training: {learning_rate: .inf}\n",
    "NaN of an option": "model: {prior: {kind: mixture, init_std: .nan}}\n",
    "huge integer": f"training: {{epochs: {'9' * 5000}}}\n",
    "huge hexadecimal": f"training: {{epochs: 0x{'f' * 100_000}}}\n",
    "huge sexagesimal": f"training: {{epochs: 1{':1' * 100_000}}}\n",
    "huge float": f"training: {{epochs: 1e{'9' * 300}}}\n",
    "large integer": "training: {epochs: 99999999999999999999999999}\n",
    "many keys": "".join(f"k{i}: 1\n" for i in range(20_000)),
    "long key": f"? {'k' * 500_000}\n: 1\n",
    "long text": f"name: {'x' * 500_000}\n",
    "long list": f"training: {{epochs: [{'1,' * 9_000}]}}\n",
    "long kind": f"model: {{prior: {{kind: {'x' * 100_000}}}}}\n",
    "long reference": f"model: {{prior: {'x' * 100_000}.py:f}}\n",
    "too large": "# " + "x" * 2_000_000,
    "documents": "name: a\n---\nname: b\n",
    "zero byte": "name: a\0b\n",
    "control": "name: a\x07b\n",
    "escape": 'name: "a\\e[2Jb"\n',
    "surrogate": 'data: {dataset: "\\uDCFF"}\n',
    "nothing": "",
    "comment": "# nothing\n",
    "list": "- a\n- b\n",
    "number": "3\n",
    "open quote": 'name: "abc\n',
    "open brace": "training: {epochs: 3\n",
    "tab": "training:\n\tepochs: 3\n",
    "unknown alias": "name: *nobody\n",
    "directive": "%YAML 9.9\n---\nname: a\n",
    "extends nothing": "extends: no-such-recipe\n",
    "extends a list": f"extends: [{'x,' * 5000}]\n",
    "extends a long name": f"extends: {'x' * 5000}.yaml\n",
    "extends nobody's home": "extends: ~nosuch/recipe.yaml\n",
    "extends a folder": "extends: /.yaml\n",
}
"""Texts that no recipe may be, by what is wrong."""

BYTES = {
    "not UTF-8": b"name: \xff\xfe\n",
    "UTF-16": "name: a\n".encode("utf-16"),
    "binary": bytes(range(256)) * 40,
    "gzip": b"\x1f\x8b\x08\0" + bytes(100),
    "zero bytes": bytes(10_000),
}
"""Files that no recipe may be."""

_words = st.sampled_from(
    [
        "name",
        "title",
        "data",
        "dataset",
        "model",
        "prior",
        "kind",
        "training",
        "epochs",
        "objective",
        "beta",
        "latent_dim",
        "encoder",
        "network",
        "columns",
        "missing",
        "options",
        "callbacks",
        "extends",
        "condition",
        "vamp",
        "mixture",
        "dense",
        "linear",
        "square:3",
        "none",
        "attributes",
        "label",
        "size",
        "<<",
        "y",
        "1",
        "runs",
        "recipe",
        "grid",
        "page",
        "presets",
        "table",
        "overrides",
    ]
)
_scalars = st.one_of(
    _words,
    st.sampled_from(
        [
            "true",
            "no",
            "~",
            ".nan",
            "-.inf",
            "1e400",
            "0x" + "f" * 50,
            "9" * 500,
            "1:2:3",
            "2024-01-01",
            "''",
            "!!int x",
            "!!binary a",
            "&a x",
            "*a",
            "!t y",
            "|",
            ">-",
            '"\\uD800"',
            "0o7",
            "-0",
            "1_000",
            "...",
            "?",
            "own.py:f",
            "os:system",
            "~nosuch/own.py:f",
            "x" * 300,
            "\u202e",
            "[]",
            "{}",
            "{a: b}",
        ]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=20),
)


def _flow(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(_words, children).map(": ".join), max_size=5)
    return st.one_of(
        st.lists(children, max_size=5).map(lambda items: f"[{', '.join(items)}]"),
        pairs.map(lambda items: f"{{{', '.join(items)}}}"),
    )


_values = st.recursive(_scalars, _flow, max_leaves=12)

texts = st.one_of(
    st.sampled_from(sorted(REFUSED.values(), key=len)[:40]),
    st.lists(st.tuples(_words, _values).map(": ".join), min_size=1, max_size=8).map("\n".join),
    st.text(max_size=200),
)
"""YAML that may be a recipe or a study, and mostly is none."""

overrides = st.one_of(
    st.tuples(st.lists(_words, min_size=1, max_size=5).map(".".join), _values).map("=".join),
    st.text(max_size=60),
    st.sampled_from(
        ["", "=", ".=1", "a..b=1", "a=" + "[" * 3000, "x" * 9000 + "=1", ".".join("a" * 900) + "=1"]
    ),
)
"""Words after a recipe on the command line."""


def names() -> Iterator[str]:
    """Names of recipes that are none."""
    yield from (
        "",
        ".",
        "/",
        "~nosuch",
        "~nosuch/x.yaml",
        "x" * 5000,
        "x" * 5000 + ".yaml",
        "a\0b",
        "\udcff",
        "\udcff.yaml",
        "/dev/null",
        "/dev/zero",
        "../..",
        "a\nb",
        "\x1b[2J",
        "*",
        "-",
    )


def as_files(texts: Mapping[str, str], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """What files of these texts and contents hold, by name."""
    return {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()} | dict(contents)
