"""Components by name: what is found, what is refused before it runs, and one line that says why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from vaekit import registry, trust
from vaekit.config.components import options_of
from vaekit.config.keys import component_keys, recipe_keys
from vaekit.config.loading import parse_recipe
from vaekit.registry import (
    BUILT_IN,
    KINDS,
    ComponentError,
    UntrustedError,
    allow,
    find,
    names,
    register,
    trusting,
)

COMPONENT = """
from pathlib import Path
import vaekit
Path({seen!r}).touch()

@vaekit.register("prior")
def spherical(context, radius: float = 1.0):
    from vaekit.models.priors import StandardNormal
    return StandardNormal(context.latent_dim)
"""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing registered, imported or allowed by another test."""
    for place, value in (("_allowed", set()), ("_imported", set())):
        monkeypatch.setattr(trust, place, value)
    monkeypatch.setattr(registry, "_IN_PROCESS", {kind: {} for kind in KINDS})
    before = set(sys.modules)
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith((trust.FILE_MODULE, "outside_")):
            del sys.modules[name]


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A file that the component writes when it is imported."""
    return tmp_path / "seen"


@pytest.fixture
def own(tmp_path: Path, seen: Path) -> Path:
    """A file with a component."""
    file = tmp_path / "own.py"
    file.write_text(COMPONENT.format(seen=str(seen)))
    return file


@pytest.fixture
def module(tmp_path: Path, seen: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make a module of a package that can be imported, and return its dotted name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str = "outside_package.inner.priors", text: str | None = None) -> str:
        *packages, last = name.split(".")
        folder = tmp_path.joinpath(*packages)
        folder.mkdir(parents=True, exist_ok=True)
        for n in range(len(packages)):
            tmp_path.joinpath(*packages[: n + 1], "__init__.py").touch()
        (folder / f"{last}.py").write_text(text or COMPONENT.format(seen=str(seen)))
        return name

    return make


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that packages with these entry points of priors are installed."""

    def install(*points: tuple[str, str]) -> None:
        found = [metadata.EntryPoint(name, value, "vaekit.priors") for name, value in points]
        monkeypatch.setattr(
            metadata, "entry_points", lambda group: [point for point in found if point.group == group]
        )
        registry._entry_points.cache_clear()

    return install


def message(reference: str, kind: str = "prior") -> str:
    """The one line with which a reference is refused."""
    with pytest.raises(ComponentError) as caught:
        find(kind, reference)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 3
    return text


# ------------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in BUILT_IN for name in BUILT_IN[kind]])
def test_every_built_in_name_is_found_also_by_its_path(kind: str, name: str):
    with trusting(False):
        found, same = find(kind, name), find(kind, BUILT_IN[kind][name])
    assert (found.kind, found.name, found.module, found.file) == (kind, name, "", None)
    assert same.factory is found.factory
    assert name in names(kind)


def test_every_kind_has_a_table():
    assert set(BUILT_IN) == set(KINDS)
    assert len(set(KINDS.values())) == len(KINDS)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in BUILT_IN for name in BUILT_IN[kind]])
def test_without_its_row_a_built_in_name_is_gone(kind: str, name: str, monkeypatch: pytest.MonkeyPatch):
    """The table is the only place where a built-in name is written."""
    monkeypatch.setitem(BUILT_IN, kind, {key: row for key, row in BUILT_IN[kind].items() if key != name})
    assert name not in names(kind)
    assert f"got {name!r}" in message(name, kind)


def test_without_its_row_a_prior_is_gone_from_recipes_and_keys(monkeypatch: pytest.MonkeyPatch):
    tree = {"model": {"prior": "vamp"}}
    assert parse_recipe(tree).model.prior.kind == "vamp"
    assert "vamp" in [component.name for component in component_keys("prior").components]
    others = {key: row for key, row in BUILT_IN["prior"].items() if key != "vamp"}
    monkeypatch.setitem(BUILT_IN, "prior", others)
    with pytest.raises(ValueError, match=r"model\.prior: expected one of standard_normal, .* got 'vamp'"):
        parse_recipe(tree)
    assert "vamp" not in [component.name for component in component_keys("prior").components]
    assert not any("vamp" in f"{key.path} {key.values}" for key in recipe_keys())


def test_an_unknown_name_lists_the_names_and_the_nearest():
    text = message("mixtrue")
    assert text.startswith("expected one of standard_normal, mixture, ")
    assert text.endswith("or MODULE:NAME, or FILE.py:NAME; got 'mixtrue'; did you mean 'mixture'?")
    assert "did you mean" not in message("qqqq")


def test_a_kind_without_names_expects_an_object():
    assert message("x", "metric") == "expected MODULE:NAME, or FILE.py:NAME; got 'x'"


@pytest.mark.parametrize(
    "reference", ["", ":", "a:", ":a", "a::b", "..a:b", "a:b.c", "a b:c", "own.py:", "os.system"]
)
def test_what_is_no_reference_is_an_unknown_name(reference: str):
    assert message(reference).endswith(f"got {reference!r}")


def test_an_unknown_kind_is_one_line():
    for act in (lambda: find("priro", "vamp"), lambda: register("priro")):
        with pytest.raises(ComponentError, match=r"expected one of prior, .*, got 'priro'"):
            act()


# ---------------------------------------------------------------------------------------------------- objects


def test_an_object_of_a_module(module):
    name = module()
    found = find("prior", f"{name}:spherical")
    assert (found.name, found.module, found.file) == (f"{name}:spherical", name, None)
    assert options_of("prior", f"{name}:spherical")(radius=2).radius == 2.0


def test_an_object_of_a_file_by_its_path_the_current_folder_and_home(own, monkeypatch):
    monkeypatch.chdir(own.parent)
    monkeypatch.setenv("HOME", str(own.parent))
    references = [f"{own}:spherical", "own.py:spherical", "./own.py:spherical", "~/own.py:spherical"]
    found = [find("prior", reference) for reference in references]
    assert {each.factory for each in found} == {found[0].factory}  # imported once
    assert {each.file for each in found} == {own.resolve()}
    assert [each.name for each in found] == references
    assert "spherical" not in names("prior")


def test_a_changed_file_is_imported_again(own):
    first = find("prior", f"{own}:spherical")
    own.write_text(own.read_text().replace("radius: float = 1.0", "radius: float = 9.0"))
    assert options_of("prior", f"{own}:spherical")().radius == 9.0
    assert find("prior", f"{own}:spherical").factory is not first.factory


def test_the_source_of_a_file_runs_and_never_bytecode_beside_it(own, seen):
    """Bytecode of another source, with the time and size of this one, is not what was checked."""
    import importlib.util
    import py_compile

    good = own.read_text()
    own.write_text(good.replace("Path(", "None#ath("))
    cached = Path(importlib.util.cache_from_source(str(own)))
    py_compile.compile(str(own), str(cached), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    own.write_text(good)
    find("prior", f"{own}:spherical")
    assert seen.exists()


def test_importing_a_file_leaves_nothing_beside_it(own, seen):
    find("prior", f"{own}:spherical")
    assert sorted(own.parent.iterdir()) == [own, seen]


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "folder.py").mkdir()
    assert message(f"{tmp_path}/no.py:f").endswith("no.py: No such file or directory")
    assert message(f"{tmp_path}/folder.py:f").endswith("folder.py: expected a file of Python")
    assert "File name too long" in message("n" * 300 + ".py:f")
    assert "not a path" in message("~no-such-user-here/own.py:f")
    assert "not a path" in message("\0.py:f")


def test_a_missing_object_names_the_nearest_component(own, module):
    assert message(f"{own}:sphercal").endswith("not found in it; did you mean 'spherical'?")
    assert message(f"{module()}:sphercal").endswith("not found in it; did you mean 'spherical'?")


def test_an_object_that_is_not_registered():
    assert message("os:system") == (
        "'os:system' is not a registered component, expected a prior; add @vaekit.register('prior') above it"
    )
    assert "not a registered component" in message("math:pi")


def test_an_object_of_another_kind(own):
    assert "is a registered prior, expected a network" in message(f"{own}:spherical", "network")


def test_a_subclass_is_not_registered_with_its_base(tmp_path):
    file = tmp_path / "classes.py"
    file.write_text(
        "import vaekit\n@vaekit.register('prior')\nclass A:\n    def __init__(self, context): ...\n"
        "class B(A): ...\n"
    )
    assert find("prior", f"{file}:A")
    assert "not a registered component" in message(f"{file}:B")


def test_a_decorated_component_is_what_its_name_stands_for(tmp_path):
    file = tmp_path / "decorated.py"
    file.write_text(
        "import functools, vaekit\n"
        "def twice(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        return 2 * f(*a, **k)\n"
        "    return g\n"
        "@twice\n@vaekit.register('schedule')\ndef half(start: float = 0.5):\n    return start\n"
    )
    assert find("schedule", f"{file}:half").factory(start=3.0) == 6.0
    assert options_of("schedule", f"{file}:half")().start == 0.5


def test_one_function_of_two_kinds(tmp_path):
    file = tmp_path / "both.py"
    file.write_text(
        "import vaekit\n@vaekit.register('prior')\n@vaekit.register('posterior')\n"
        "def f(context, a: int = 1): ...\n"
    )
    assert find("prior", f"{file}:f").factory is find("posterior", f"{file}:f").factory
    assert "is a registered posterior and prior, expected a network" in message(f"{file}:f", "network")


# ---------------------------------------------------------------------------------------------------- imports


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import outside_missing", "ModuleNotFoundError: No module named 'outside_missing'"),
        ("raise RuntimeError('no license.\\nMore')", "RuntimeError: no license"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("assert False", "AssertionError: AssertionError"),
        ("import vaekit\n@vaekit.register('priro')\ndef f(): ...", "kind: expected one of prior, "),
        ("import vaekit\nvaekit.register('prior')(len)", "register: expected a function or a class"),
    ],
)
def test_an_import_that_fails_is_one_line(text: str, reason: str, module, tmp_path):
    (tmp_path / "failing.py").write_text(text)
    before = set(sys.modules)
    for reference in (f"{module('outside_failing', text)}:f", f"{tmp_path}/failing.py:f"):
        assert f"{reference!r}: its import fails: {reason}" in message(reference)
    assert not any(name.startswith(trust.FILE_MODULE) for name in set(sys.modules) - before)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\0")
    assert "its import fails: " in message(f"{tmp_path}/binary.py:f")


def test_a_missing_module():
    assert "its import fails: ModuleNotFoundError: No module named 'outside_no'" in message("outside_no:f")


def test_a_module_that_computes_its_objects(module):
    name = module("outside_lazy", "def __getattr__(name):\n    raise OSError('gone')\n")
    assert message(f"{name}:f").endswith("OSError: gone")


def test_an_interruption_during_an_import_is_no_error_of_the_component(tmp_path):
    file = tmp_path / "slow.py"
    file.write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        find("prior", f"{file}:f")


# ------------------------------------------------------------------------------------------------ registering


def test_a_name_of_this_process_is_found_and_listed():
    @register("prior", version=2, need={"x"})
    def of_this_test(context): ...

    found = find("prior", "of_this_test")
    assert (found.factory, found.version, found.traits) == (of_this_test, "2", {"need": {"x"}})
    assert found.module == __name__
    assert "of_this_test" in names("prior")
    assert str(find("prior", "of_this_test")) == f"Component(prior of_this_test of {__name__})"
    assert registry.registered(of_this_test, "network") is None


def test_two_functions_of_one_name_are_refused():
    first = register("prior", "taken")(lambda context: None)

    def other(context): ...

    with pytest.raises(ComponentError, match=rf"the prior 'taken' of {__name__} .* that {__name__} uses"):
        register("prior", "taken")(other)
    assert find("prior", "taken").factory is first
    assert registry.registered(other, "prior") is None
    assert register("network", "taken")(lambda inputs, output: None)  # another kind has names of its own


def test_a_name_of_vaekit_is_refused():
    with pytest.raises(ComponentError, match=r"'vamp' of .* has a name that vaekit uses; choose another"):
        register("prior", "vamp")(lambda context: None)
    assert find("prior", "vamp").module == ""


def test_a_function_may_be_defined_again_as_in_a_notebook():
    cell = "from vaekit import register\n@register('prior')\ndef again(context, a: int = {0}): ..."
    for n in (1, 2):
        exec(cell.format(n), {"__name__": "__main__"})
        assert options_of("prior", "again")().a == n


@pytest.mark.parametrize(
    "thing",
    [len, 3, "f", int, print, property(), [].append, None],
    ids=str.split("len 3 f int print property append None"),
)
def test_only_functions_and_classes_can_be_registered(thing):
    with pytest.raises(ComponentError, match="register: expected a function or a class"):
        register("prior", "thing")(thing)
    assert "thing" not in names("prior")


@pytest.mark.parametrize("name", ["two words", "a:b", "own.py", "1st", "a-b"])
def test_a_name_is_an_identifier(name: str):
    with pytest.raises(ComponentError, match=rf"expected a name of letters, digits and _, got '{name}'"):
        register("prior", name)(lambda context: None)
    with pytest.raises(ComponentError, match="got '<lambda>'"):
        register("prior")(lambda context: None)


# ----------------------------------------------------------------------------------------------- entry points


def test_an_entry_point_is_a_plain_name(module, entry_points, seen):
    entry_points(("round", f"{module()}:spherical"))
    assert "round" in names("prior")
    assert not seen.exists()  # names are listed without an import
    found = find("prior", "round")
    assert (found.name, found.module, found.factory.__name__) == ("round", module(), "spherical")
    assert options_of("prior", "round")().kind == "round"


def test_the_entry_point_of_a_package_on_the_path(module, tmp_path):
    """As pip installs it: a folder of metadata beside the package."""
    folder = tmp_path / "outside_package-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-package\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[vaekit.priors]\nround = {module()}:spherical\n")
    registry._entry_points.cache_clear()
    assert "round" in names("prior")
    assert options_of("prior", "round")(radius=2).radius == 2.0


def test_two_packages_with_one_entry_point_name_both_objects(module, entry_points):
    one, two = module("outside_one"), module("outside_two")
    entry_points(("round", f"{two}:spherical"), ("round", f"{one}:spherical"))
    assert message("round") == (
        "'round' is a prior of several installed packages: outside_one:spherical and outside_two:spherical; "
        "write one of these instead"
    )
    assert find("prior", f"{one}:spherical").module == one


def test_one_entry_point_listed_twice_is_one(module, entry_points):
    entry_points(*[("round", f"{module()}:spherical")] * 2)
    assert find("prior", "round").module == module()


def test_a_built_in_name_comes_before_an_entry_point(module, entry_points, seen):
    entry_points(("vamp", f"{module()}:spherical"))
    assert find("prior", "vamp").module == ""
    assert names("prior").count("vamp") == 1
    assert not seen.exists()


def test_a_wrong_entry_point_is_one_line(module, entry_points):
    entry_points(("bare", "outside_bare"), ("gone", "outside_gone:f"), ("extra", f"{module()}:spherical [x]"))
    assert "'bare' is the entry point 'outside_bare' of an installed package" in message("bare")
    assert "ModuleNotFoundError" in message("gone")
    assert find("prior", "extra").factory.__name__ == "spherical"


# ------------------------------------------------------------------------------------------------------ trust


def refused(reference: str, trust=False) -> str:
    """The line with which a reference in something loaded is refused."""
    with trusting(trust), pytest.raises(UntrustedError) as caught:
        find("prior", reference)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_module_is_refused_before_anything_of_it_runs(module, seen, tmp_path):
    name = module()
    (tmp_path / "outside_package" / "__init__.py").write_text(f"open({str(seen)!r}, 'w')")
    assert refused(f"{name}:spherical") == (
        f"'{name}:spherical' is code from outside vaekit, which is not imported without your consent; "
        f"if you trust it, add --trust {name} (in Python: trust=['{name}'])"
    )
    assert not seen.exists()
    assert "outside_package" not in sys.modules


def test_a_file_is_refused_before_anything_of_it_runs(own, seen):
    assert refused(f"{own}:spherical").endswith("add --trust own.py (in Python: trust=['own.py'])")
    assert not seen.exists()


def test_an_entry_point_is_refused_before_anything_of_it_runs(module, entry_points, seen):
    entry_points(("round", f"{module()}:spherical"))
    assert "'round' is code from outside vaekit" in refused("round")
    assert not seen.exists()


@pytest.mark.parametrize(
    "reference", ["os:system", "subprocess:run", "builtins:eval", "vaekit.__main__:main", "vaekit.cli:main"]
)
def test_modules_that_are_imported_already_are_refused_too(reference: str):
    refused(reference)


@pytest.mark.parametrize(
    "given", ["outside_package", "outside_package.inner", "outside_package.inner.priors"]
)
def test_a_module_is_trusted_by_its_name_or_a_package_around_it(given: str, module, seen):
    reference = f"{module()}:spherical"
    for wrong in (
        "outside",
        "outside_package.inner.prior",
        "priors",
        "inner",
        "outside_package.inner.priors.x",
    ):
        refused(reference, [wrong])
    for as_given in ([given], {given}, given):
        with trusting(as_given):
            assert find("prior", reference)
    assert seen.exists()


def test_a_file_is_trusted_by_its_name_or_its_path(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    reference = f"{own}:spherical"
    for given in ("own.py", str(own), "./own.py", "below/../own.py"):
        refused(reference, ["other.py", "own", "below/own.py", str(tmp_path), "spherical"])
        with trusting([given]):
            assert find("prior", reference)
        trust._imported.clear()


def test_an_entry_point_is_trusted_by_its_package(module, entry_points):
    entry_points(("round", f"{module()}:spherical"))
    refused("round", ["round"])
    with trusting(["outside_package"]):
        assert find("prior", "round")


def test_allow_is_trust_for_the_whole_process(module, own):
    allow("outside_package", "own.py")
    with trusting(False):
        assert find("prior", f"{module()}:spherical")
        assert find("prior", f"{own}:spherical")


def test_what_was_allowed_stays_allowed(module, own):
    for reference in (f"{module()}:spherical", f"{own}:spherical"):
        assert find("prior", reference)
        with trusting(False):
            assert find("prior", reference)


def test_a_copy_of_a_file_that_was_allowed_is_allowed_and_a_changed_copy_is_not(own, tmp_path):
    assert find("prior", f"{own}:spherical")
    copy = tmp_path / "copy.py"
    copy.write_bytes(own.read_bytes())
    with trusting(False):
        assert find("prior", f"{copy}:spherical")
    copy.write_text(copy.read_text() + "# changed")
    refused(f"{copy}:spherical")


def test_a_module_that_was_imported_does_not_vouch_for_what_lies_below_it(module, tmp_path):
    inner = module("outside_package.inner")
    (tmp_path / "outside_package" / "__init__.py").write_text(
        "import vaekit\n@vaekit.register('prior')\ndef f(context): ..."
    )
    assert find("prior", "outside_package:f")
    refused(f"{inner}:spherical")


def test_trust_ends_with_its_block(module):
    with trusting(False):
        with trusting(True):
            pass
        refused(f"{module()}:spherical")
    assert find("prior", f"{module()}:spherical")


def test_a_name_of_this_process_needs_no_trust():
    register("prior", "here")(lambda context: None)
    with trusting(False):
        assert find("prior", "here")
