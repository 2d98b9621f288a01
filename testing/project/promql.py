"""What a PromQL expression asks for, and whether it is there: names, labels, values, types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

#: What Grafana puts in their places is a duration.
_DURATIONS = re.compile(r"\$__(?:rate_interval|interval|range)\b")
#: Prometheus adds these to whatever it scrapes.
TARGET = frozenset({"job", "instance"})
_COUNTERS = frozenset({"rate", "irate", "increase"})
_LEAVE_NO_LABEL = frozenset({"vector", "scalar", "time", "absent"})


class Fault(Exception):
    """Something that an expression asks for is not there."""


@dataclass(frozen=True, slots=True)
class Series:
    """What has one name. ``counts``: it only grows. ``values``: what labels may hold, where it is known."""

    labels: frozenset[str]
    counts: bool = False
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)


Known = Mapping[str, Series]


def parse(expression: str) -> Any:
    """The tree. Raises Fault."""
    try:
        return promql.parse(_DURATIONS.sub("5m", expression))
    except ValueError as error:
        raise Fault(f"{expression}: {error}") from error


def labels_of(expression: str, known: Known) -> frozenset[str]:
    """The labels of what comes out. Raises Fault for the first thing that is wrong."""
    try:
        return _labels(parse(expression), known)
    except Fault as fault:
        raise Fault(f"{fault} in {expression}") from None


def names_in(expression: str) -> frozenset[str]:
    """The series that it asks for."""
    found: set[str] = set()

    def look(node: Any) -> None:
        selector = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(selector, promql.VectorSelector):
            found.add(selector.name or "")

    promql.walk(parse(expression), look)
    return frozenset(found)


def _labels(node: Any, known: Known) -> frozenset[str]:
    match node:
        case promql.NumberLiteral() | promql.StringLiteral():
            return frozenset()
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _labels(node.expr, known)
        case promql.MatrixSelector():
            return _selected(node.vector_selector, known).labels
        case promql.VectorSelector():
            return _selected(node, known).labels
        case promql.Call():
            return _called(node, known)
        case promql.AggregateExpr():
            return _aggregated(node, known)
        case promql.BinaryExpr():
            return _combined(node, known)
    raise Fault(f"{type(node).__name__} is not known to this check")


def _selected(selector: Any, known: Known) -> Series:
    series = known.get(selector.name or "")
    if series is None:
        raise Fault(f"nobody emits {selector.name}")
    for matcher in selector.matchers.matchers:
        if matcher.name not in series.labels:
            raise Fault(f"{selector.name} has no label {matcher.name}")
        values = series.values.get(matcher.name)
        if values is not None and "$" not in matcher.value:
            _can_match(f"{selector.name}'s {matcher.name}", matcher, values)
    return series


def _can_match(what: str, matcher: Any, values: frozenset[str]) -> None:
    exact = matcher.op == promql.MatchOp.Equal or matcher.op == promql.MatchOp.NotEqual
    words = [matcher.value] if exact else matcher.value.split("|")
    for word in words:
        if not any(value == word if exact else re.fullmatch(word, value) for value in values):
            raise Fault(f"{what} is never {word!r}, only {', '.join(sorted(values))}")


def _called(node: Any, known: Known) -> frozenset[str]:
    name = node.func.name
    inner = [_labels(argument, known) for argument in node.args]
    if name in _COUNTERS:
        selector = node.args[0].vector_selector
        if not known[selector.name].counts:
            raise Fault(f"{name} of {selector.name}, which is no counter")
    if name == "histogram_quantile":
        if "le" not in inner[1]:
            raise Fault("a quantile of what has no le")
        return inner[1] - {"le"}
    if name in _LEAVE_NO_LABEL:
        return frozenset()
    if name == "label_replace":
        _, new, _, old, _ = node.args
        if old.val not in inner[0]:
            raise Fault(f"label_replace of {old.val}, which is not there")
        return inner[0] | {new.val}
    return frozenset().union(*inner)


def _aggregated(node: Any, known: Known) -> frozenset[str]:
    inner = _labels(node.expr, known)
    if node.modifier is None:
        return frozenset()
    named = frozenset(node.modifier.labels)
    if not named <= inner:
        raise Fault(f"grouped by {', '.join(sorted(named - inner))}, which is not there")
    return named if node.modifier.type == promql.AggModifierType.By else inner - named


def _combined(node: Any, known: Known) -> frozenset[str]:
    left, right = _labels(node.lhs, known), _labels(node.rhs, known)
    literals = (promql.NumberLiteral, promql.StringLiteral)
    if isinstance(node.lhs, literals) or isinstance(node.rhs, literals):
        return left | right
    matching = node.modifier.matching if node.modifier else None
    if matching is not None:
        named = frozenset(matching.labels)
        if not named <= left & right:
            raise Fault(
                f"matched on {', '.join(sorted(named - (left & right)))}, which both sides do not have"
            )
        group = frozenset(node.modifier.group_labels or ())
        if not group <= right:
            raise Fault(f"takes {', '.join(sorted(group - right))} from a side without it")
        return left | group
    if str(node.op) == "or":
        return left | right
    # Without a word about it, both sides have to have the same labels, or nothing ever meets.
    if left != right and not (_is_scalar(node.lhs) or _is_scalar(node.rhs)):
        raise Fault(f"{sorted(left)} never meets {sorted(right)}")
    return left or right


def _is_scalar(node: Any) -> bool:
    match node:
        case promql.NumberLiteral():
            return True
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_scalar(node.expr)
        case promql.Call():
            return node.func.name in {"scalar", "time"}
        case promql.BinaryExpr():
            return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    return False
