"""How a number was measured: what two numbers must share to stand in one column, be starred, or be paired.

A `Protocol` is a sequence of facts, each with a name, a value, and words. Two protocols are equal if all
values are. The words of a fact that is seldom of interest, such as a fingerprint, are shown only where
protocols differ in it.

An evaluation of an earlier version has no fingerprint of its data. Its numbers are shown, but not compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vaekit.data.fingerprint import covers_all
from vaekit.runs.summary import describe_estimator, describe_quality
from vaekit.utils.format import format_significant

UNKNOWN_DATA = "by an earlier vaekit, which kept no fingerprint of the data"
SCORES = {"frechet": "Fréchet", "kernel": "kernel", "precision": "precision", "recall": "recall"}
_DIGITS = 8  # of a fingerprint, where it is shown


class Fact(NamedTuple):
    """One thing in which two comparable numbers agree.

    Attributes:
        name: for the sentence that says in what two protocols differ.
        value: what is compared.
        words: its part of the sentence that describes the protocol.
        hidden: whether the words are left out where no other protocol has another value.

    >>> Fact("the split", "test", " test").hidden
    False
    """

    name: str
    value: str
    words: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Protocol:
    """How a number was measured.

    Attributes:
        values: the name and value of each fact, which are compared.
        facts: the same facts with their words.
        comparable: whether numbers of this protocol may be compared with each other.

    >>> str(Protocol.of([Fact("", "", "Measured on"), Fact("images", "20", " 20 images")]))
    'Measured on 20 images.'
    """

    values: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...] = field(compare=False)
    comparable: bool = field(default=True, compare=False)

    @classmethod
    def of(cls, facts: Iterable[Fact], comparable: bool = True) -> Protocol:
        """The protocol of these facts; those without a name are words only."""
        facts = tuple(facts)
        return cls(tuple((fact.name, fact.value) for fact in facts if fact.name), facts, comparable)

    @property
    def digest(self) -> str:
        """A short digest of what is compared; that of an evaluation of an earlier version is empty."""
        content = repr(self.values).encode()
        return hashlib.sha256(content).hexdigest()[:_DIGITS] if self.comparable else ""

    def describe(self, shown: Iterable[str] = ()) -> str:
        """The protocol in one sentence, with the hidden facts of these names."""
        shown = set(shown)
        words = "".join(fact.words for fact in self.facts if not fact.hidden or fact.name in shown)
        return f"{words}." if words else ""

    def __str__(self) -> str:
        return self.describe()

    def __bool__(self) -> bool:
        return bool(self.facts)


NO_PROTOCOL = Protocol((), ())  # of what is always measured the same


def describe_protocols(protocols: Iterable[Protocol]) -> dict[Protocol, str]:
    """Each protocol in words, with the hidden facts in which some of them differ.

    >>> facts = [Fact("", "", "20 images"), Fact("data", "01ab", " (data 01ab)", hidden=True)]
    >>> one, other = Protocol.of(facts), Protocol.of([facts[0], Fact("data", "23cd", " (data 23cd)", True)])
    >>> list(describe_protocols([one]).values()), list(describe_protocols([one, other]).values())
    (['20 images.'], ['20 images (data 01ab).', '20 images (data 23cd).'])
    """
    protocols = list(dict.fromkeys(protocols))
    differing = {name for protocol in protocols for name in _differing_names(protocols[0], protocol)}
    return {protocol: protocol.describe(differing) for protocol in protocols}


def describe_difference(one: Protocol, other: Protocol) -> str:
    """In what two protocols differ, for the middle of a sentence; empty if they are the same.

    >>> one, other = (Protocol.of([Fact("the shape", shape)]) for shape in ("3x8x8", "1x8x8"))
    >>> describe_difference(one, other)
    'the shape (3x8x8, 1x8x8)'
    """
    first, second = dict(one.values), dict(other.values)
    return ", ".join(
        f"{name} ({first.get(name) or 'none'}, {second.get(name) or 'none'})"
        for name in _differing_names(one, other)
    )


def _differing_names(one: Protocol, other: Protocol) -> list[str]:
    first, second = dict(one.values), dict(other.values)
    return [name for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]


def data_facts(found: Mapping[str, Any], dataset: str) -> list[Fact]:
    """Which data they were: the fingerprint, or the name for an evaluation without one, and the shape.

    Args:
        found: the fields of an `Evaluation`.
        dataset: its name or path.

    >>> [fact.name for fact in data_facts({"data": "0" * 64, "shape": [8, 8]}, "digits")]
    ['', 'the data', 'the shape']
    """
    data, shape = str(found.get("data") or ""), "x".join(map(str, found.get("shape") or ()))
    if not covers_all(data):
        return [Fact("the data", f"unknown: {dataset}", f" of {dataset}")]
    digest = data[:_DIGITS]
    return [
        Fact("", "", f" of {dataset}"),
        Fact("the data", digest, f" (data {digest})", hidden=True),
        Fact("the shape", shape, f" of shape {shape}", hidden=True),
    ]


def images_protocol(found: Mapping[str, Any], dataset: str, more: Sequence[Fact] = ()) -> Protocol:
    """The images, how they were observed, and what was conditioned on.

    Args:
        found: the fields of an `Evaluation`.
        dataset: its name or path.
        more: facts after these.

    >>> found = {"images": 20, "split": "test", "observation": "dynamic", "data": "0" * 64, "shape": [8, 8]}
    >>> str(images_protocol(found, "digits"))
    'Measured on 20 test images of digits, observation dynamic.'
    """
    if not found:
        return NO_PROTOCOL
    known = covers_all(str(found.get("data") or ""))
    images, split, missing = found["images"], found["split"], found.get("missing") or ""
    noun = found.get("noun") or "images"
    pixels, labels = found.get("pixels") or "", found.get("labels") or ""
    facts = [
        Fact("the number of images", f"{images:,}", f"Measured on {images:,}"),
        Fact("the split", split, f" {split} {noun}"),
        Fact("the set of images or pixels", pixels, f" (set {pixels})" if pixels else "", hidden=True),
        *data_facts(found, dataset),
        Fact("the observation", found["observation"], f", observation {found['observation']}"),
        Fact("what is hidden", missing, f", hidden {missing}" if missing else ""),
        *_condition_facts(labels, found.get("conditioned_on")),
        *more,
        *([] if known else [Fact("", "", f", {UNKNOWN_DATA}: not compared")]),
    ]
    return Protocol.of(facts, known)


def likelihood_protocol(found: Mapping[str, Any], dataset: str, estimator: bool) -> Protocol:
    """The images and the kind of density, and the estimator if the number depends on it.

    Args:
        found: the fields of an `Evaluation`.
        dataset: its name or path.
        estimator: whether the estimator is a part of the protocol.

    >>> found = {"images": 20, "split": "test", "observation": "dynamic", "data": "0" * 64, "samples": 5}
    >>> str(likelihood_protocol(found, "digits", estimator=True))
    'Measured on 20 test images of digits, observation dynamic, 5 importance samples per image.'
    """
    if not found:
        return NO_PROTOCOL
    measure = found.get("measure") or ""
    facts = [Fact("the kind of number", measure, f", a {measure}", hidden=True)]
    if estimator:
        how = describe_estimator(found)
        facts.append(Fact("the estimator", how, f", {how} per image"))
    if precision := (found.get("options") or {}).get("precision", ""):
        facts.append(Fact("the precision of products", precision, f", products in {precision}"))
    return images_protocol(found, dataset, facts)


def error_protocol(found: Mapping[str, Any], dataset: str) -> Protocol:
    """The images and the scale of the model values, on which errors of reconstructions depend.

    >>> error_protocol({}, "digits") == NO_PROTOCOL
    True
    """
    scale = found.get("scale") or ""
    return images_protocol(
        found, dataset, [Fact("the scale", scale, f", errors on the scale {scale}", hidden=True)]
    )


def quality_protocol(found: Mapping[str, Any], dataset: str) -> Protocol:
    """How the quality of samples was measured: the data, the features, and the scores of held-out images.

    Args:
        found: the fields of an `Evaluation`.
        dataset: its name or path.

    >>> quality_protocol({}, "digits") == NO_PROTOCOL
    True
    """
    quality = found.get("quality")
    if not quality:
        return NO_PROTOCOL
    known = covers_all(str(found.get("data") or ""))
    floor = ", ".join(f"{name} {format_significant(quality[f'floor_{key}'])}" for key, name in SCORES.items())
    how, seeds = describe_quality(quality), quality.get("sample_seeds") or 1
    data, *more = data_facts(found, dataset)
    facts = [
        data._replace(words=dataset),
        *more,
        Fact("how samples are compared", how, f": {how}"),
        Fact("the number of sample seeds", str(seeds), f", {seeds} seeds", hidden=True),
        Fact("the scores of held-out images", floor, f"; the same scores of held-out images: {floor}"),
        *([] if known else [Fact("", "", f"; {UNKNOWN_DATA}: not compared")]),
    ]
    return Protocol.of(facts, known)


def gap_protocol(bounds: Mapping[str, Any]) -> Protocol:
    """How bidirectional Monte Carlo measured the gaps of estimators.

    Args:
        bounds: the fields of `BDMCBounds`.

    >>> str(gap_protocol({"images": 4, "samples": 5, "chains": 2, "steps": 3, "init": "prior"}))
    'Gaps on 4 images from each model, 5 importance samples, 2 chains of 3 steps from the prior.'
    """
    if not bounds:
        return NO_PROTOCOL
    images = bounds["images"]
    how = (
        f"{bounds['samples']:,} importance samples, {bounds['chains']:,} chains of {bounds['steps']:,} steps "
        f"from the {bounds['init']}"
    )
    return Protocol.of(
        [
            Fact("the number of images", f"{images:,}", f"Gaps on {images:,} images from each model"),
            Fact("the estimators", how, f", {how}"),
        ]
    )


def _condition_facts(labels: str, conditioned_on: Sequence[str] | None) -> list[Fact]:
    """What is given in log p(x | ...), and whether labels were averaged over."""
    if conditioned_on is None:  # an evaluation of an earlier version
        conditioned_on = ["labels"] if labels == "condition" else []
    given = " and ".join(conditioned_on)
    marginalized = labels == "marginalize"
    return [
        Fact("what is conditioned on", given, f", conditioned on the {given}" if given else ""),
        Fact(
            "labels that are marginalized",
            "marginalized" if marginalized else "",
            ", labels marginalized out" if marginalized else "",
        ),
    ]
