"""Modules to exported programs of PyTorch, and these to ONNX.

An exported program is a list of elementary operations. Those that lose precision in ONNX Runtime, or that
ONNX lacks, are written out: log sigmoid(x) as min(x, 0) - log(1 + exp(-|x|)), softplus likewise, Cholesky
factors and triangular solves as in `vaekit.engine.export.linalg`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from vaekit.engine.export import linalg
from vaekit.engine.export.graphs import Graph
from vaekit.errors import InvalidError, VaekitError, brief, first_line


def to_program(name: str, graph: Graph) -> ExportedProgram:
    """Export a graph to a program of PyTorch.

    Args:
        name: of the graph, for messages.
        graph: the module with example inputs.

    Raises:
        InvalidError: the module cannot be written as a list of operations.

    Example:
        >>> program = to_program("sum", Graph(torch.nn.LogSigmoid(), {"x": torch.zeros(1)}, ("y",)))
        >>> program.module()(torch.tensor([-100.0]))
        tensor([-100.])
    """
    sizes = {size: torch.export.Dim(size) for axes in graph.dims.values() for size in axes.values()}
    shapes = [{axis: sizes[size] for axis, size in graph.dims.get(key, {}).items()} for key in graph.inputs]
    module = graph.module.eval()
    inputs = tuple(tensor.clone(memory_format=torch.contiguous_format) for tensor in graph.inputs.values())
    with _quiet(), torch.no_grad():
        try:
            program = torch.export.export(module, inputs, dynamic_shapes=(tuple(shapes) if sizes else None))
            return program.run_decompositions(_decompositions())
        except Exception as error:
            raise InvalidError(f"{name}: this model cannot be exported ({_reason(error)})") from error


def to_onnx(name: str, graph: Graph) -> bytes:
    """Export a graph to ONNX.

    Args:
        name: of the graph, for messages.
        graph: the module with example inputs.

    Returns:
        The content of an ONNX file that computes the same.

    Raises:
        VaekitError: onnx or onnxscript is not installed.
        InvalidError: the module uses an operation that ONNX does not have.

    Example:
        >>> import sys
        >>> from unittest import mock
        >>> graph = Graph(torch.nn.Identity(), {"x": torch.zeros(1)}, ("y",))
        >>> with mock.patch.dict(sys.modules, onnx=None):
        ...     to_onnx("identity", graph)
        Traceback (most recent call last):
        vaekit.errors.VaekitError: export needs onnx and onnxscript, which are not installed...
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise VaekitError(
            'export needs onnx and onnxscript, which are not installed; run: pip install "vaekit[onnx]"'
        ) from None
    program = to_program(name, graph)
    with _quiet(), torch.no_grad():
        try:
            exported = torch.onnx.export(
                program,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise InvalidError(
                f"{name}: this model cannot be exported to ONNX ({_reason(error)}); try the other format: "
                "vaekit export torch"
            ) from error
    assert exported is not None
    _rename_inner_values(exported.model.graph)
    return _strip_metadata(exported.model_proto).SerializeToString()


def _reason(error: BaseException) -> str:
    """What went wrong first, such as an operation that ONNX lacks."""
    while error.__cause__ is not None:
        error = error.__cause__
    return brief(first_line(error), 200)


def _decompositions() -> dict[Any, Callable[..., Any]]:
    """How operations are written out, beside PyTorch's own table."""
    aten = torch.ops.aten
    return {
        **torch.export.default_decompositions(),
        aten.softplus.default: _softplus,
        aten.linalg_cholesky.default: _cholesky,
        aten.linalg_solve_triangular.default: linalg.solve_triangular,
    }


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    scaled = beta * x
    return (scaled.clamp_min(0) + torch.log1p(torch.exp(-scaled.abs()))) / beta


def _cholesky(matrix: Tensor, *, upper: bool = False) -> Tensor:
    lower = linalg.cholesky(matrix)
    return lower.mT if upper else lower


def _rename_inner_values(graph: Any) -> None:
    """Number the values between inputs and outputs, one of which could have the name of an output."""
    inner = (value for node in graph for value in node.outputs if not value.is_graph_output())
    for number, value in enumerate(inner):
        value.name = f"v{number}"


def _strip_metadata(proto: Any) -> Any:
    """Remove what the exporter records of its run, such as paths of files on this machine."""
    for node in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.functions):
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.metadata_props[:]
    return proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's messages, which address its own developers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
