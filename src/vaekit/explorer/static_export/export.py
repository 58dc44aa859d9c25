"""Modules to ONNX, the format that browsers can run."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer.static_export.graphs import Graph


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
    size = torch.export.Dim("n")
    shapes = [{0: size} if key in graph.batched else None for key in graph.inputs]
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                graph.module.eval(),
                tuple(graph.inputs.values()),
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_shapes=shapes if graph.batched else None,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).strip().splitlines()[0]
            raise InvalidError(
                f"{name}: this model cannot be exported to ONNX ({reason}); use the server: vaekit explore"
            ) from None
    assert program is not None
    return _strip_metadata(program.model_proto).SerializeToString()


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
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
