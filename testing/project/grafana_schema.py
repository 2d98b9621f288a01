"""Grafana's schema of a dashboard, as the models of its own SDK (grafana-foundation-sdk 11.6.0) have it.

The SDK's `from_json` takes anything; its annotations do not. Here each is a rule: a field that a model does
not have, a value of another type and a word that an enumeration does not have are faults.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import dashboard, prometheus

_IN_TO_JSON = re.compile(r'(?:payload\[)?"(\w+)"(?:\] =|:) self\.(\w+)')


def faults(document: Any) -> list[str]:
    """What is wrong with a dashboard, with the place of each; none for a good one."""
    return list(_model(dashboard.Dashboard, document, "$"))


def _model(model: type, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: not an object"
        return
    fields = _fields(model)
    for name, inner in value.items():
        if name not in fields:
            yield f"{at}.{name}: {model.__name__} has no such field"
        elif model is dashboard.Panel and name in {"options", "fieldConfig"}:
            yield from _of_plugin(value, name, inner, f"{at}.{name}")
        else:
            yield from _value(fields[name], inner, f"{at}.{name}")


def _of_plugin(panel: dict[str, Any], name: str, value: Any, at: str) -> Iterator[str]:
    """What the panel's own plugin says of its options."""
    try:
        plugin = importlib.import_module(f"grafana_foundation_sdk.models.{panel.get('type')}")
    except ImportError:
        yield f"{at}: there is no panel of type {panel.get('type')!r}"
        return
    if name == "options":
        yield from _model(plugin.Options, value, at)
        return
    yield from _value(dashboard.FieldConfigSource, value, at)
    custom = value.get("defaults", {}).get("custom") if isinstance(value, dict) else None
    if custom is not None:
        if hasattr(plugin, "FieldConfig"):
            yield from _model(plugin.FieldConfig, custom, f"{at}.defaults.custom")
        else:
            yield f"{at}.defaults.custom: this panel has none"


def _value(wanted: Any, value: Any, at: str) -> Iterator[str]:
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in {typing.Union, types.UnionType}:
        complaints = [list(_value(one, value, at)) for one in inner]
        if all(complaints):
            yield from min(complaints, key=len)
    elif origin is list:
        if not isinstance(value, list):
            yield f"{at}: not a list"
        else:
            for number, item in enumerate(value):
                yield from _value(inner[0], item, f"{at}[{number}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{at}: not an object"
        else:
            for name, item in value.items():
                yield from _value(inner[1], item, f"{at}.{name}")
    elif origin is typing.Literal:
        if value not in inner:
            yield f"{at}: {value!r} is none of {inner}"
    elif isinstance(wanted, type):
        yield from _typed(wanted, value, at)
    elif wanted is not Any:
        raise AssertionError(f"{at}: the SDK says {wanted!r}, which this check does not know")


def _typed(wanted: type, value: Any, at: str) -> Iterator[str]:
    if wanted is object:
        return
    if wanted is variants.Dataquery:
        yield from _model(prometheus.Dataquery, value, at)
    elif issubclass(wanted, enum.Enum):
        if isinstance(value, bool) or value not in [member.value for member in wanted]:
            yield f"{at}: {value!r} is none of {[member.value for member in wanted]}"
    elif wanted in {str, int, float, bool, type(None)}:
        numbers = (int, float) if wanted is float else wanted
        if not isinstance(value, numbers) or (isinstance(value, bool) and wanted is not bool):
            yield f"{at}: {value!r} is not of type {wanted.__name__}"
    else:
        yield from _model(wanted, value, at)


@cache
def _fields(model: type) -> dict[str, Any]:
    """The names in JSON with their types."""
    hints = typing.get_type_hints(model)
    written = dict(_IN_TO_JSON.findall(inspect.getsource(model.to_json)))  # type: ignore[attr-defined]
    assert set(written.values()) == set(hints), model
    return {name: hints[attribute] for name, attribute in written.items()}
