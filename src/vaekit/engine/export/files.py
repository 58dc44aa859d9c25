"""A folder of exported files: one for each graph, README.md for people, and model.json for programs.

    encoder, decoder, terms, prior   as .onnx or .pt2
    README.md                        inputs and outputs, preprocessing, labels, an example
    model.json                       the same as data

Each file is compared with the model on data points and noise of two batch sizes before anything is written.
"""

from __future__ import annotations

import copy
import importlib.util
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

import vaekit
from vaekit.engine.export.graphs import Graph, model_graphs
from vaekit.engine.export.programs import to_onnx, to_program
from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import InvalidError, VaekitError
from vaekit.models.vae import VAE
from vaekit.utils.io import to_json, write_whole

Format = Literal["onnx", "torch"]
Runner = Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]
SUFFIXES: dict[Format, str] = {"onnx": "onnx", "torch": "pt2"}
TOLERANCE = 1e-5
SIZES = ({"n": 1, "k": 2}, {"n": 7, "k": 3})


def export_files(
    trained: LoadedModel,
    folder: str | Path,
    format: Format = "onnx",
    progress: Callable[[str], None] = lambda name: None,
) -> Path:
    """Write a model into a folder as files that run without vaekit.

    Args:
        trained: the model.
        folder: new, empty, or an earlier export.
        format: "onnx", or "torch" for programs of `torch.export`.
        progress: called with the name of each file before it is made.

    Returns:
        The folder.

    Raises:
        InvalidError: the model cannot be exported, or the folder holds other files.
        VaekitError: a package is missing, or a file computes something else than the model.

    Example:
        >>> import tempfile, vaekit
        >>> folder = export_files(vaekit.demo(), Path(tempfile.mkdtemp()), "torch")
        >>> sorted(file.name for file in folder.iterdir())
        ['README.md', 'decoder.pt2', 'encoder.pt2', 'model.json', 'prior.pt2', 'terms.pt2']
        >>> decode = torch.export.load(folder / "decoder.pt2").module()
        >>> decode(torch.zeros(4, 2), torch.eye(10)[[7, 7, 7, 7]]).shape
        torch.Size([4, 1, 28, 28])
    """
    folder = Path(folder)
    earlier = (folder / "model.json").is_file() and (folder / "README.md").is_file()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not earlier)):
        raise InvalidError(f"{folder}: expected a new or empty folder, got one with other files")
    model = copy.deepcopy(trained.model).cpu().eval()
    files: dict[str, bytes] = {}
    described: dict[str, Any] = {}
    for name, graph in model_graphs(model, trained.shape).items():
        file = f"{name}.{SUFFIXES[format]}"
        progress(file)
        files[file], run = _make(name, graph, format)
        difference = None if run is None else compare(graph, model, run)
        if difference is not None and not difference <= TOLERANCE:
            raise VaekitError(
                f"{file}: differs from the model by {difference:.1e}, more than {TOLERANCE:g}; nothing was "
                "written, please report this model"
            )
        described[file] = {**_describe(graph, model), "largest_difference": difference}
    facts = _facts(trained, described, format)
    files["model.json"] = to_json(facts).encode()
    files["README.md"] = _readme(trained, facts, described).encode()
    for file, content in files.items():
        write_whole(folder / file, content)
    return folder


def _make(name: str, graph: Graph, format: Format) -> tuple[bytes, Runner | None]:
    """The content of a file, and a function that runs it; None where ONNX Runtime is not installed."""
    if format == "torch":
        content = io.BytesIO()
        torch.export.save(to_program(name, graph), content)
        content.seek(0)
        program = torch.export.load(content).module()
        run = lambda inputs: _arrays(program(*map(torch.from_numpy, inputs.values())))
        return content.getvalue(), run
    exported = to_onnx(name, graph)
    if importlib.util.find_spec("onnxruntime") is None:
        return exported, None
    import onnxruntime

    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    return exported, lambda inputs: session.run(None, dict(inputs))


def compare(graph: Graph, model: VAE, run: Runner) -> float:
    """The largest difference between a file and its module, over two batch sizes.

    Args:
        graph: the module.
        model: what the inputs are sampled from.
        run: inputs by name -> outputs, of the file.

    Returns:
        max |a - b| / max(1, max |a|) over all outputs a of the module and b of the file; NaN if one is NaN.

    Example:
        >>> graph = Graph(torch.nn.Identity(), {"x": torch.zeros(2)}, ("y",))
        >>> compare(graph, vaekit.demo().model, lambda inputs: [inputs["x"]])
        0.0
    """
    largest = [0.0]
    for sizes in SIZES:
        inputs = _sample_inputs(graph, model, sizes)
        with torch.no_grad():
            expected = _arrays(graph.module(*inputs.values()))
        found = run({name: value.numpy() for name, value in inputs.items()})
        largest += [
            float(np.abs(a - b).max() / max(1.0, np.abs(a).max()))
            for a, b in zip(expected, found, strict=True)
        ]
    return float(np.max(largest))


def _sample_inputs(graph: Graph, model: VAE, sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """Inputs of these sizes: data points from the model, labels, and standard normal numbers."""
    generator = torch.Generator().manual_seed(0)
    inputs: dict[str, Tensor] = {}
    for name, example in graph.inputs.items():
        axes = graph.dims.get(name, {})
        shape = [sizes[axes[axis]] if axis in axes else n for axis, n in enumerate(example.shape)]
        if name == "x" and axes:
            inputs[name] = model.sample(shape[0], seed=0, sample_pixels=True)
        elif name == "y" and model.labels is not None:
            inputs[name] = model.labels.values[torch.arange(shape[0]) % len(model.labels.values)]
        else:
            inputs[name] = torch.randn(shape, generator=generator)
    return inputs


def _arrays(outputs: Tensor | tuple[Tensor, ...]) -> list[np.ndarray]:
    return [value.detach().numpy() for value in (outputs if isinstance(outputs, tuple) else (outputs,))]


@torch.no_grad()
def _describe(graph: Graph, model: VAE) -> dict[str, Any]:
    """Name, shape, type and meaning of the inputs and outputs of a graph."""
    shapes = []
    for sizes in ({"n": 2, "k": 3}, {"n": 4, "k": 5}):
        inputs = _sample_inputs(graph, model, sizes)
        shapes.append([list(value.shape) for value in _arrays(graph.module(*inputs.values()))])
    letters = {2: "n", 3: "k"}
    outputs = [
        [letters[a] if a != b else a for a, b in zip(one, other, strict=True)]
        for one, other in zip(*shapes, strict=True)
    ]
    given = {
        name: [graph.dims.get(name, {}).get(axis, n) for axis, n in enumerate(value.shape)]
        for name, value in graph.inputs.items()
    }
    entry = lambda name, shape: {
        "name": name, "shape": shape, "dtype": "float32", "meaning": graph.about.get(name, "")
    }  # fmt: skip
    return {
        "inputs": [entry(name, shape) for name, shape in given.items()],
        "outputs": [entry(name, shape) for name, shape in zip(graph.outputs, outputs, strict=True)],
    }


def _facts(trained: LoadedModel, described: dict[str, Any], format: Format) -> dict[str, Any]:
    labels, known = trained.model.labels, trained.preprocessing
    vectors = [] if labels is None else labels.values.tolist()
    named = len(trained.label_names) == len(vectors) and trained.recipe.model.condition_on == "label"
    return {
        "vaekit": vaekit.__version__,
        "format": format,
        "title": trained.title,
        "shape": list(trained.shape),
        "latent_dim": trained.model.latent_dim,
        "layer_dims": list(trained.model.layer_dims),
        "files": described,
        "preprocessing": None if known is None else known.to_dict(),
        "observation": trained.recipe.data.observation,
        "labels": dict(zip(trained.label_names, vectors, strict=True)) if named else vectors,
    }


def _readme(trained: LoadedModel, facts: dict[str, Any], described: dict[str, Any]) -> str:
    sizes = "n and k are of any size" + ("" if len(facts["layer_dims"]) == 1 else "; layers come top first")
    lines = [
        f"# {trained.title}", "",
        f"Exported by vaekit {vaekit.__version__}. All inputs and outputs are float32; {sizes}.", "",
        "| file | | name | shape | meaning |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for file, parts in described.items():
        for side in ("inputs", "outputs"):
            for entry in parts[side]:
                shape = " x ".join(map(str, entry["shape"]))
                lines.append(f"| {file} | {side[:-1]} | {entry['name']} | {shape} | {entry['meaning']} |")
    lines += ["", "## Preprocessing", "", *_preprocessing_lines(trained)]
    if facts["labels"]:
        lines += ["", "## Labels", "", "The vectors y, by name (also in model.json):", ""]
        named = facts["labels"] if isinstance(facts["labels"], dict) else dict(enumerate(facts["labels"]))
        lines += [f"- {name}: {json.dumps(vector)}" for name, vector in list(named.items())[:20]]
    lines += ["", "## Use", "", *_example(facts), "", "## Check", ""]
    differences = [parts["largest_difference"] for parts in described.values()]
    if None in differences:
        lines += ["Not compared with the model, since onnxruntime was not installed."]
    else:
        lines += [
            "Compared with PyTorch on samples of the model, batches of 1 and 7: the largest difference is "
            f"{max(differences):.1e}, relative to the largest value of an output, or to 1 if that is smaller."
        ]
    return "\n".join(lines) + "\n"


def _preprocessing_lines(trained: LoadedModel) -> list[str]:
    """How values in units of the data become the model values x."""
    known, observation = trained.preprocessing, trained.recipe.data.observation
    if known is None:
        return ["This model was saved without its preprocessing; x is as in training."]
    if known.columns:
        rows = [
            f"| {column.name} | {column.kind} | "
            + (
                (
                    "by quantiles, see model.json"
                    if column.knots
                    else f"(value - {column.offset:.9g}) / {column.scale:.9g}"
                )
                if column.is_numeric
                else "1 + index among: " + ", ".join(column.categories[:20])
            )
            + " |"
            for column in known.columns
        ]
        return ["| column | type | x |", "|---|---|---|", *rows, "", "A missing value is NaN."]
    layout = " x ".join(map(str, known.shape))
    text = f"A data point has the shape {layout}, and x = (value - {known.offset:.9g}) / {known.scale:.9g}"
    if known.levels:
        text += f", for gray levels 0 to {known.levels - 1}"
    if observation in ("threshold", "static"):
        text += "; then x is 1 where it is at least 1/2, else 0" if observation == "threshold" else ""
    if observation in ("static", "dynamic"):
        text += "; then x is 1 with this probability, else 0"
    return [text + "."]


def _example(facts: dict[str, Any]) -> list[str]:
    first = facts["files"][f"prior.{SUFFIXES[facts['format']]}"]["inputs"]
    shapes = [(entry["name"], [4 if n == "n" else n for n in entry["shape"]]) for entry in first]
    if facts["format"] == "onnx":
        given = ", ".join(
            f'"{name}": np.random.randn{tuple(shape)}.astype("float32")'
            if name == "noise"
            else f'"{name}": y'
            for name, shape in shapes
        )
        again = ', "y": y' if len(shapes) > 1 else ""
        code = [
            "import numpy as np", "import onnxruntime", "",
            'prior = onnxruntime.InferenceSession("prior.onnx")',
            'decoder = onnxruntime.InferenceSession("decoder.onnx")',
            f"[z] = prior.run(None, {{{given}}})",
            f'[x] = decoder.run(None, {{"z": z{again}}})  # four data points',
        ]  # fmt: skip
        label = "y = np.tile(np.float32({}), (4, 1))"
    else:
        rest = ", y" if len(shapes) > 1 else ""
        code = [
            "import torch", "",
            'prior, decoder = (torch.export.load(f"{name}.pt2").module() for name in ("prior", "decoder"))',
            f"z = prior(torch.randn{tuple(shapes[0][1])}{rest})",
            f"x = decoder(z{rest})  # four data points",
        ]  # fmt: skip
        label = "y = torch.tensor([{}] * 4)"
    if len(shapes) > 1:
        code.insert(code.index("") + 1, label.format(_first_label(facts)))
    return ["```python", *code, "```"]


def _first_label(facts: dict[str, Any]) -> list[float]:
    labels = facts["labels"]
    return next(iter(labels.values())) if isinstance(labels, dict) else labels[0]
