"""Options come from signatures; components from outside are copied with what is saved, and checked."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import Field, ValidationError

import vaekit
from vaekit import registry, trust
from vaekit.cli import program
from vaekit.config.build import build_model
from vaekit.config.components import build_component, describe_parameters, options_of
from vaekit.config.keys import component_keys, recipe_keys
from vaekit.config.loading import load_recipe, parse_recipe
from vaekit.config.outside_code import check_copies, copy_components
from vaekit.errors import InvalidError, RecipeError
from vaekit.models.priors import StandardNormal
from vaekit.registry import KINDS, ComponentError, UntrustedError, register
from vaekit.training.display import SilentLogger

OWN = """
from pathlib import Path
import vaekit
from vaekit.models.priors import MixtureOfGaussians
with open({seen!r}, "a") as file:
    file.write("imported\\n")

@vaekit.register("prior")
def several(context, components: int = 3):
    return MixtureOfGaussians(context.latent_dim, components)
"""


def forget(patch: pytest.MonkeyPatch) -> None:
    """Start as a new process does: nothing registered, imported or allowed."""
    patch.setattr(trust, "_allowed", set())
    patch.setattr(trust, "_imported", set())
    patch.setattr(registry, "_IN_PROCESS", {kind: {} for kind in KINDS})
    for name in [name for name in sys.modules if name.startswith(trust.FILE_MODULE)]:
        patch.delitem(sys.modules, name)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget(monkeypatch)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(trust.FILE_MODULE):
            del sys.modules[name]


def message(options: Callable[[], Any]) -> str:
    """The one line with which a signature is refused."""
    with pytest.raises(ComponentError) as caught:
        options()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------- options


def test_types_ranges_defaults_and_meanings_are_those_of_the_signature():
    @register("prior")
    def rings(
        context,
        radius: Annotated[float, Field(gt=0)],
        count: int = 3,
        style: Literal["flat", "round"] = "flat",
        widths: tuple[int, ...] = (1, 2),
    ):
        """Rings.

        Args:
            context: what it is built from.
            radius: of the outer ring,
                in standard deviations.
            count, style: of all rings.
        """
        return radius, count, style, widths

    section = options_of("prior", "rings")
    assert build_component(section(radius=2), context=None) == (2.0, 3, "flat", (1, 2))
    assert section.model_fields["radius"].description == "of the outer ring, in standard deviations"
    assert section.model_fields["count"].description == section.model_fields["style"].description
    assert section.model_fields["widths"].description is None
    for wrong in ({}, {"radius": 0}, {"radius": 1, "count": 1.5}, {"radius": 1, "style": "square"}):
        with pytest.raises(ValidationError):
            section(**wrong)


def test_without_annotations_the_types_are_those_of_the_defaults():
    @register("prior")
    def plain(context, a, n=3, share=0.5, on=True, name="x", sizes=(1, 2), more=None): ...

    section = options_of("prior", "plain")
    hints = {name: field.annotation for name, field in section.model_fields.items() if name not in ("kind",)}
    assert (hints["n"], hints["share"], hints["on"], hints["name"]) == (int, float, bool, str)
    made = section(a=[1], sizes=[3], more={"b": 2})
    assert (made.a, made.sizes, made.more, made.share) == ([1], (3,), {"b": 2}, 0.5)
    for wrong in ({"n": "many"}, {"share": "x"}, {"on": "perhaps"}, {"name": 3}, {"share": float("inf")}):
        with pytest.raises(ValidationError):
            section(a=1, **wrong)


def test_a_required_option_is_asked_for_by_its_key():
    @register("prior")
    def needy(context, radius: float): ...

    with pytest.raises(RecipeError, match=r"model\.prior\.radius: required, but not given$"):
        parse_recipe({"model": {"prior": "needy"}})
    assert parse_recipe({"model": {"prior": {"kind": "needy", "radius": 2}}}).model.prior.radius == 2.0


def test_the_keys_of_a_registered_component_are_listed():
    @register("prior")
    def listed(context, radius: Annotated[float, Field(gt=0)], count: int = 3):
        """Listed.

        Args:
            radius: of it.
        """

    [listed_keys] = component_keys("prior", "listed").components
    radius, count = listed_keys.keys
    assert (radius.path, radius.values, radius.meaning) == ("radius", "number > 0", "of it")
    assert (count.path, count.default) == ("count", "3")
    assert "listed" in next(key.values for key in recipe_keys() if key.path == "model.prior")


def test_annotations_as_text_are_read_in_their_module(tmp_path):
    file = tmp_path / "text.py"
    file.write_text(
        "from __future__ import annotations\nimport vaekit\nfrom typing import TYPE_CHECKING, Literal\n"
        "if TYPE_CHECKING:\n    from vaekit import BuildContext\n"
        "@vaekit.register('prior')\n"
        "def f(context: BuildContext, mode: Literal['a', 'b'] = 'a'): ...\n"
        "@vaekit.register('prior')\n"
        "class C:\n    def __init__(self, context: BuildContext, mode: Literal['a', 'b'] = 'b'): ...\n"
        "@vaekit.register('prior')\ndef g(context, mode: BuildContext = None): ...\n"
    )
    assert options_of("prior", f"{file}:f")().mode == "a"
    assert options_of("prior", f"{file}:C")(mode="a").mode == "a"
    text = message(lambda: options_of("prior", f"{file}:g"))
    assert "the types of its options cannot be read (name 'BuildContext' is not defined)" in text


def test_signatures_that_have_no_keys_are_refused():
    class Borrowed(int): ...

    register("prior", "borrowed")(Borrowed)
    cases = {
        "its signature has *args": lambda context, *args: None,
        "its signature has **options": lambda context, **options: None,
        "its parameter context has no keyword": eval("lambda context, radius=1, /: None"),
        "expected parameters context, got none": lambda: None,
        "expected parameters context, got z": lambda z: None,
    }
    for n, (reason, function) in enumerate(cases.items()):
        register("prior", f"case{n}")(function)
        assert f"prior 'case{n}': {reason}" in message(lambda n=n: options_of("prior", f"case{n}"))
    assert "prior 'borrowed': " in message(lambda: options_of("prior", "borrowed"))


@pytest.mark.parametrize("name", ["kind", "version", "network", "_hidden", "component", "model_dump", "copy"])
def test_reserved_names_of_options_are_refused(name: str):
    register("prior", "reserved")(eval(f"lambda context, {name}=1: None"))
    from vaekit.config.schema.model import PriorSection

    text = message(lambda: options_of("prior", "reserved", PriorSection))
    assert text == f"prior 'reserved': the name {name!r} of an option is reserved; choose another"


@pytest.mark.parametrize("annotation", ["1 / 0", "Nowhere", "list[", "int.nothing", "3"])
def test_annotations_that_cannot_be_read_are_one_line(annotation: str):
    def strange(context, a=1): ...

    strange.__annotations__["a"] = annotation
    register("prior", "strange")(strange)
    assert message(lambda: options_of("prior", "strange")).startswith(
        "prior 'strange': the types of its options"
    )


def test_defaults_that_no_recipe_can_hold_are_one_line():
    layer = StandardNormal(2)
    register("prior", "odd")(lambda context, layer=layer: None)
    assert "are not those of plain values" in message(lambda: options_of("prior", "odd"))
    with pytest.raises(RecipeError, match=r"^recipe: model.prior: prior 'odd': the types of its options"):
        parse_recipe({"model": {"prior": "odd"}})


def test_descriptions_need_a_section_of_arguments():
    assert describe_parameters(lambda a: None) == {}

    def f(a, b):
        """F.

        Args:
            a: first,
                and more.

        Returns:
            b: no argument.
        """

    assert describe_parameters(f) == {"a": "first, and more"}


# --------------------------------------------------------------------------------------------------- versions


def test_a_recipe_keeps_the_version_and_another_is_refused():
    register("prior", "dated", version="1.10")(lambda context, a=1: StandardNormal(2))
    recipe = parse_recipe({"model": {"prior": "dated"}})
    assert recipe.model_dump()["model"]["prior"]["version"] == "1.10"
    tree = yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json")))
    assert parse_recipe(tree) == recipe
    tree["model"]["prior"]["version"] = "2"
    with pytest.raises(
        RecipeError,
        match=r"model.prior.version: the recipe was made with version 2 of dated, but version 1.10",
    ):
        parse_recipe(tree)


def test_built_in_components_have_no_version():
    assert "version" not in parse_recipe({}).model_dump()["model"]["prior"]


# ----------------------------------------------------------------------------------------------------- checks


def test_a_check_sees_the_options_and_the_context():
    seen = []

    def check(options, context):
        seen.append((options.radius, context.latent_dim, context.event_shape))
        if options.radius > context.latent_dim:
            raise ValueError(f"radius: expected at most {context.latent_dim}, got {options.radius}")

    @register("prior", validate=check)
    def checked(context, radius: float = 1.0):
        return StandardNormal(context.latent_dim)

    model = parse_recipe({"model": {"prior": "checked", "latent_dim": 3}}).model
    assert seen == [(1.0, 3, None)]
    build_model(model, (1, 8, 8))
    assert seen[-1] == (1.0, 3, (1, 8, 8))
    with pytest.raises(RecipeError, match=r"prior: radius: expected at most 1, got 2\.0"):
        parse_recipe({"model": {"prior": {"kind": "checked", "radius": 2}, "latent_dim": 1}})


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError("x"), AttributeError("x"), ZeroDivisionError("x")]
)
def test_an_unexpected_error_of_outside_code_is_one_line(error: Exception):
    def fail(*_: Any) -> None:
        raise error

    register("prior", "failing")(lambda context: fail())
    register("prior", "unchecked", validate=fail)(lambda context: None)
    model = parse_recipe({"model": {"prior": "failing"}}).model
    with pytest.raises(RecipeError, match=f"prior failing: {type(error).__name__}: '?x'?$"):
        build_model(model, (1, 8, 8))
    with pytest.raises(RecipeError, match=f"prior unchecked: {type(error).__name__}: '?x'?$"):
        parse_recipe({"model": {"prior": "unchecked"}})


def test_a_component_that_returns_something_else_is_one_line():
    register("prior", "number")(lambda context: 3)
    with pytest.raises(RecipeError, match=r"expected number to return an nn.Module, got int"):
        build_model(parse_recipe({"model": {"prior": "number"}}).model, (1, 8, 8))


# ------------------------------------------------------------------------------------------- files in recipes


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A file to which a component writes when it is imported."""
    return tmp_path / "seen"


@pytest.fixture
def own(tmp_path: Path, seen: Path) -> Path:
    """A file with a prior."""
    file = tmp_path / "own.py"
    file.write_text(OWN.format(seen=str(seen)))
    return file


def test_a_file_is_found_beside_the_recipe_then_in_the_current_folder(own, tmp_path, monkeypatch):
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        shutil.copy(own, folder / f"{folder.name}.py")
    shutil.copy(own, beside / "both.py")
    (here / "both.py").write_text("raise RuntimeError")
    monkeypatch.chdir(here)
    for name, place in (("beside", beside), ("here", here), ("both", beside)):
        (beside / "r.yaml").write_text(f"model: {{prior: '{name}.py:several'}}")
        recipe = load_recipe(beside / "r.yaml")
        assert recipe.model.prior.kind == f"{place.resolve()}/{name}.py:several"
    assert load_recipe("digits", ["model.prior=here.py:several"]).model.prior.components == 3
    assert load_recipe("digits", [f"model.prior={own}:several"]).model.prior.components == 3


def test_a_recipe_that_another_extends_finds_its_own_files(own, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "base.yaml").write_text("model: {prior: 'own.py:several'}")
    (tmp_path / "below" / "r.yaml").write_text("extends: ../base.yaml\nmodel: {prior: {components: 5}}")
    prior = load_recipe(tmp_path / "below" / "r.yaml").model.prior
    assert (prior.kind, prior.components) == (f"{own.resolve()}:several", 5)


def test_strange_files_in_recipes_are_one_line(tmp_path):
    for name in ("n" * 300 + ".py", "~no-such-user-here/own.py", "no.py"):
        (tmp_path / "r.yaml").write_text(f"model: {{prior: '{name}:f'}}")
        with pytest.raises(RecipeError, match=r"model\.prior: ") as caught:
            load_recipe(tmp_path / "r.yaml")
        assert "\n" not in str(caught.value)


def test_two_files_of_one_name_are_copied_apart(own, tmp_path):
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "own.py"
    other.write_text(
        "import vaekit\nfrom vaekit.nn.networks import Dense\n@vaekit.register('network')\n"
        "def small(inputs, output): return Dense(inputs, output, (4,))"
    )
    recipe = parse_recipe(
        {
            "model": {
                "prior": f"{own}:several",
                "encoder": {"network": f"{other}:small"},
                "decoder": {"network": f"{other}:small"},
            }
        },
        trust=True,
    )
    folder = tmp_path / "saved"
    tree, records = copy_components(recipe, folder)
    assert tree["model"]["prior"]["kind"] == "components/own.py:several"
    assert tree["model"]["encoder"]["network"]["kind"] == "components/own_2.py:small"
    assert tree["model"]["decoder"]["network"] == tree["model"]["encoder"]["network"]
    assert (folder / "components/own.py").read_bytes() == own.read_bytes()
    assert (folder / "components/own_2.py").read_bytes() == other.read_bytes()
    assert [record["reference"] for record in records] == [
        "components/own.py:several", "components/own_2.py:small",
    ]  # fmt: skip
    assert copy_components(recipe, folder) == (tree, records)  # again, without further copies
    assert len(list((folder / "components").iterdir())) == 2
    check_copies(records, folder)


def test_a_plain_name_that_is_not_here_names_the_module_that_has_it(tmp_path):
    register("prior", "mine")(lambda context: StandardNormal(context.latent_dim))
    _, records = copy_components(parse_recipe({"model": {"prior": "mine"}}), tmp_path)
    check_copies(records, tmp_path)
    registry._IN_PROCESS["prior"].clear()
    with pytest.raises(InvalidError, match=rf"the prior 'mine' is of {__name__}, which is not here; install"):
        check_copies(records, tmp_path)


@pytest.mark.parametrize(
    "records",
    [
        3,
        "abc",
        [3],
        ["a"],
        [{}],
        [{"sha256": "0"}],
        [{"reference": 3, "sha256": "0"}],
        {"a": 1},
        [{"reference": 3, "kind": []}],
    ],
)
def test_damaged_records_are_one_line(records: Any, tmp_path):
    with pytest.raises(InvalidError, match=r"expected (a list|records) of components"):
        check_copies(records, tmp_path)


@pytest.mark.parametrize(
    "place", ["../own.py", "components/../../own.py", "{own}", "link.py", "\0.py", "~/own.py"]
)
def test_records_outside_the_folder_are_refused(place: str, own, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.py").symlink_to(own)
    digest = __import__("hashlib").sha256(own.read_bytes()).hexdigest()
    record = {"reference": f"{place.format(own=own)}:several", "sha256": digest}
    with pytest.raises(InvalidError, match=r"outside the folder .*|~/own\.py: not found"):
        check_copies([record], folder)


# ----------------------------------------------------------------------------------- what is saved and loaded


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose prior is from a file; not to be changed. `seen` and `own.py` lie beside it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "own.py").write_text(OWN.format(seen=str(folder / "seen")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        forget(patch)
        overrides = ["data.train=60", "data.validation=20", "data.test=20", "model.latent_dim=2"]
        overrides += ["model.encoder.network={kind: dense, hidden_sizes: [8]}"]
        overrides += ["model.decoder.network={kind: dense, hidden_sizes: [8]}"]
        vaekit.train(
            "digits", [*overrides, f"model.prior={folder}/own.py:several"], run_dir=folder / "run",
            epochs=1, sample_every=0, figures=False, log=SilentLogger(),
        )  # fmt: skip
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in another folder, with the original file gone and no import so far."""
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (trained / "seen").unlink(missing_ok=True)
    return Path(shutil.copytree(trained / "run", tmp_path / "copied"))


def was_imported(trained: Path) -> bool:
    return (trained / "seen").exists()


def test_the_file_is_kept_with_the_run_and_with_the_model(run, trained):
    for folder, records in (
        (run, json.loads((run / "environment.json").read_text())["components"]),
        (run / "model", json.loads((run / "model" / "config.json").read_text())["components"]),
    ):
        assert [record["reference"] for record in records] == ["components/own.py:several"]
        assert (folder / "components" / "own.py").read_bytes() == (trained / "own.py").read_bytes()
        assert sorted(path.name for path in (folder / "components").iterdir()) == ["own.py"]
    assert yaml.safe_load((run / "recipe.yaml").read_text())["model"]["prior"] == {
        "kind": "components/own.py:several", "network": None, "components": 3,
    }  # fmt: skip


def test_a_copied_run_and_its_model_open_anywhere_with_trust(run, trained):
    for path in (run, run / "model"):
        with pytest.raises(UntrustedError, match=r"add --trust own\.py"):
            vaekit.load(path, device="cpu")
    assert not was_imported(trained)
    opened = vaekit.load(run, device="cpu", trust=["own.py"])
    assert opened.run.finished
    assert opened.model.sample(3).shape == (3, 1, 8, 8)
    assert str(run.resolve()) in opened.recipe.model.prior.kind


@pytest.mark.parametrize("place", ["", "model"])
def test_a_changed_or_missing_copy_is_refused_also_with_trust(place: str, run, trained):
    file = run / place / "components" / "own.py"
    text = file.read_text()
    for change, reason in (
        (lambda: file.write_text(f"{text}#"), "changed since"),
        (file.unlink, "not found"),
    ):
        change()
        with pytest.raises(InvalidError, match=reason):
            vaekit.load(run / place, device="cpu", trust=True)
    assert not was_imported(trained)


def test_resuming_uses_the_copy_also_where_the_original_changed(run, trained, monkeypatch):
    original = trained / "own.py"
    text = original.read_text()
    try:
        original.write_text("raise RuntimeError('changed')")
        with pytest.raises(UntrustedError):
            vaekit.resume(run, epochs=2, figures=False, log=SilentLogger())
        assert not was_imported(trained)
        resumed = vaekit.resume(run, epochs=2, figures=False, log=SilentLogger(), trust=["own.py"])
    finally:
        original.write_text(text)
    assert len(resumed.metrics) == 2
    forget(monkeypatch)
    assert len(vaekit.load(run, trust=["own.py"]).run.metrics) == 2
    assert sorted(path.name for path in (run / "components").iterdir()) == ["own.py"]
    assert (run / "components" / "own.py").read_text() == text


COMMANDS: dict[str, list[str]] = {
    "train": ["--resume", "RUN", "-q"],
    "evaluate": ["RUN", "--samples", "2", "--quiet", "--device", "cpu"],
    "report": ["RUN", "--device", "cpu"],
    "compare": ["RUN"],
    "doctor": ["RUN"],
    "sample": ["RUN", "-n", "4", "-o", "out.npy", "--device", "cpu"],
    "reconstruct": ["RUN", "-o", "out.npy", "--device", "cpu"],
    "interpolate": ["RUN", "-o", "out.npy", "--device", "cpu"],
    "traverse": ["RUN", "-o", "out.npy", "--device", "cpu"],
    "encode": ["RUN", "-o", "out.npz", "--device", "cpu"],
    "explore": ["RUN", "--no-open", "--quiet", "--device", "cpu"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_and_works_with_trust(command: str, run, trained, monkeypatch):
    if command == "explore":
        monkeypatch.setattr("vaekit.explorer.server.serve", lambda sessions, *rest: None)
    monkeypatch.setattr("vaekit.runs.run.Run.plot", lambda self, *args, **options: [])
    words = [str(run) if word == "RUN" else word for word in COMMANDS[command]]
    words += ["training.epochs=2"] if command == "train" else []

    def call(*more: str) -> Result:
        return CliRunner().invoke(program, [command, *words, *more])

    for more in ((), ("--trust", "other.py")):
        result = call(*more)
        assert (result.exit_code, result.stdout) == (3, ""), result.output
        [line] = result.stderr.splitlines()
        assert "own.py:several' is code from outside vaekit" in line
        assert line.endswith("if you trust it, add --trust own.py (in Python: trust=['own.py'])")
    assert not was_imported(trained)
    result = call("--trust", "own.py")
    assert result.exit_code == 0, result.output
    assert was_imported(trained)


def test_a_study_trains_resumes_and_measures_components_that_it_names(own, tmp_path, monkeypatch):
    """Each step runs in its own process, which has imported nothing before."""
    from vaekit.studies.worker import Job, try_job

    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    recipe = load_recipe("digits", ["data.train=50", "data.validation=10", f"model.prior={own}:several"])
    for step, epochs in (("train", 1), ("resume", 1), ("measure", 1)):
        training = recipe.training.model_copy(update={"epochs": epochs, "sample_every": 0})
        tree = recipe.model_copy(update={"training": training}).model_dump(mode="json")
        options = {"samples": 2, "images": 4} if step == "measure" else {"samples": 2, "images": 3}
        forget(monkeypatch)
        code, reason = try_job(Job(0, step, tree, str(tmp_path / "run"), options), lambda share, text: None)
        if step == "resume":
            assert "all 1 epochs are done" in reason
        else:
            assert (code, reason) == (0, "")


# ---------------------------------------------------------------------------------------------------- attacks


ESCAPES = [
    "../../evil.py:f",
    "{evil}:f",
    "os:system",
    "link.py:f",
    "components/../link.py:f",
    "antigravity:fly",
]


@pytest.mark.parametrize("form", ["name", "section", "nested"])
@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("part", ["recipe.yaml", "model/config.json"])
def test_a_reference_that_escapes_imports_nothing(escape, form, part, tmp_path, monkeypatch):
    """Neither a run nor a model that names code anywhere on the disk can make it run."""
    monkeypatch.chdir(tmp_path)
    evil, run = tmp_path / "evil.py", tmp_path / "a" / "run"
    evil.write_text(f"open({str(tmp_path / 'owned')!r}, 'w')")
    (run / "model").mkdir(parents=True)
    for folder in (run, run / "model"):
        (folder / "link.py").symlink_to(evil)
    reference = escape.format(evil=evil)
    prior = {
        "name": reference,
        "section": {"kind": reference, "strange": 1},
        "nested": {"kind": "standard_normal", "network": {"kind": reference}},
    }[form]
    tree = {"model": {"prior": prior, "latent_dim": "two"}, "extra": 1}
    if part == "recipe.yaml":
        (run / part).write_text(yaml.safe_dump(tree))
    else:
        config = {"format": 2, "shape": [1, 8, 8], "label_names": [], "recipe": tree}
        (run / part).write_text(json.dumps(config))
    imported = set(sys.modules)
    for trusted in (False, ["own.py", "vaekit", "evil", "link"]):
        with pytest.raises(InvalidError) as caught:
            vaekit.load((run / part).parent, device="cpu", trust=trusted)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 3
    assert not (tmp_path / "owned").exists()
    assert not {name for name in set(sys.modules) - imported if name.startswith((trust.FILE_MODULE, "anti"))}


def test_a_recipe_that_is_only_parsed_is_not_trusted(own, seen):
    with pytest.raises(UntrustedError, match=r"^recipe: '.*own\.py:several' is code from outside vaekit"):
        parse_recipe({"model": {"prior": f"{own}:several"}, "nonsense": 1})
    assert not seen.exists()


def test_the_checks_of_objectives_and_schedules_are_called(tmp_path):
    file = tmp_path / "checked.py"
    file.write_text(
        "import vaekit\n"
        "def refuse(options, context):\n    raise ValueError(f'{context.latent_dim} latents are too many')\n"
        "@vaekit.register('objective', validate=refuse)\ndef loss(terms, beta): ...\n"
        "@vaekit.register('schedule', validate=refuse)\ndef rise(): ...\n"
    )
    for key, name in (("objective", "loss"), ("objective.beta", "rise")):
        with pytest.raises(RecipeError, match=f"{key}: 16 latents are too many"):
            load_recipe("mnist", [f"{key}={file}:{name}"])


def test_a_likelihood_that_is_no_head_is_one_line(tmp_path):
    file = tmp_path / "headless.py"
    file.write_text(
        "import vaekit, torch\n"
        "@vaekit.register('likelihood')\ndef normal():\n    return torch.distributions.Normal\n"
    )
    recipe = load_recipe("digits", [f"model.decoder.likelihood={file}:normal"])
    with pytest.raises(RecipeError, match=r"expected a likelihood or posterior that is an nn\.Module"):
        build_model(recipe.model, (1, 8, 8))
