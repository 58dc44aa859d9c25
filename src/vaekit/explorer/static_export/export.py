"""Modules to ONNX, which a browser can run."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer.static_export.graphs import Graph

_MISSING = 'needs onnx and onnxscript, which are not installed; run: pip install "vaekit[onnx]"'


def to_onnx(name: str, graph: Graph) -> bytes:
    """The content of an ONNX file that computes what the module does.

    Raises:
        VaekitError: the packages that write ONNX are not installed.
        InvalidError: the module does something that ONNX has not.
    """
    _installed()
    size = torch.export.Dim("n")
    shapes = [{0: size} if key in graph.many else None for key in graph.inputs]
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                graph.module.eval(),
                tuple(graph.inputs.values()),
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_shapes=shapes if graph.many else None,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).strip().splitlines()[0]
            raise InvalidError(
                f"{name}: this model cannot be written as ONNX ({reason}); explore it with: vaekit explore"
            ) from None
    assert program is not None
    return _bare(program.model_proto).SerializeToString()


def _bare(proto: Any) -> Any:
    """Without what the exporter noted of its ways, the places of files on this machine among it."""
    for node in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.functions):
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.metadata_props[:]
    return proto


def _installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise VaekitError(f"export {_MISSING}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks, which are for its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
