"""The networks of a model as lists of layers: what acts, and the shape that leaves it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vaekit.explorer.session import ExplorerSession

Layers = list[dict[str, Any]]


@torch.no_grad()
def networks(session: ExplorerSession) -> dict[str, Layers]:
    """The layers with weights of encoder and decoder, in the order in which they act on one data point.

    Args:
        session: the model and its data.

    Returns:
        For "encoder" and "decoder": the `name` of each layer, and the `shape` of its output without batch.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> found = networks(open_session(demo(), images=20))
        >>> found["decoder"][0]
        {'name': 'Linear', 'shape': [48]}
        >>> found["encoder"][0]["shape"]
        [12, 14, 14]
    """
    model, y = session.model, session.conditions_of(slice(0, 1))
    found: dict[str, Layers] = {}
    with _recorded(model.encoder) as found["encoder"]:
        z = model.encode(session.image(0), y).mean
    with _recorded(model.decoder) as found["decoder"]:
        model.decode(z, y)
    return found


class _recorded:
    """The outputs of all layers with weights of a module, while its block runs."""

    def __init__(self, module: nn.Module):
        self._module = module
        self._layers: Layers = []

    def __enter__(self) -> Layers:
        leaves = [part for part in self._module.modules() if not list(part.children())]
        weighted = [leaf for leaf in leaves if list(leaf.parameters(recurse=False))]
        self._hooks = [leaf.register_forward_hook(self._record) for leaf in weighted]
        return self._layers

    def __exit__(self, *failure: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _record(self, layer: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            self._layers.append({"name": type(layer).__name__, "shape": list(output.shape[1:])})
