"""What goes into the log about a plugin that failed: where and what, never the request."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import FrameType
from typing import Final

from pluginserver.limits import MAX_LOG_CHARACTERS

_HERE: Final = Path(__file__).parent


def describe(error: BaseException) -> str:
    """A traceback without content.

    The message of an exception may quote the request. It is shown only when it is a constant of the code that
    raised, as in `raise ValueError("no keys")`.
    """
    try:
        return _describe(error)
    except Exception:
        return type(error).__name__


def own_text(error: BaseException) -> str:
    """What the exception says of itself. Not for errors that a request can be quoted in."""
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def _describe(error: BaseException) -> str:
    places: list[str] = []
    constants: set[object] = set()
    for frame, line in traceback.walk_tb(error.__traceback__):
        if places or not _ours(frame):
            places.append(_place(frame, line))
        constants.update(text for text in frame.f_code.co_consts if isinstance(text, str))
    name = type(error).__qualname__
    if type(error).__module__ != "builtins":
        name = f"{type(error).__module__}.{name}"
    if len(error.args) == 1 and isinstance(error.args[0], str) and error.args[0] in constants:
        name += f": {error.args[0]}"
    if error.__cause__ is not None:
        name += f" (caused by {type(error.__cause__).__qualname__})"
    return _joined(places, name)


def describe_running(frame: FrameType | None, what: str) -> str:
    """The same for code that still runs."""
    frames = [(one, line) for one, line in traceback.walk_stack(frame) if not _ours(one)]
    return _joined([_place(one, line) for one, line in reversed(frames)], what)


def _ours(frame: FrameType) -> bool:
    """What stands in the log is where the plugin is, and not how it came to be called."""
    return Path(frame.f_code.co_filename).parent == _HERE


def _place(frame: FrameType, line: int) -> str:
    return f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}\n'


def _joined(places: list[str], last: str) -> str:
    """The innermost places matter most: the outer ones go when there are too many."""
    room = MAX_LOG_CHARACTERS - len(last)
    kept: list[str] = []
    for place in reversed(places):
        room -= len(place)
        if room < 0:
            kept.append("  ...\n")
            break
        kept.append(place)
    return "Traceback (most recent call last):\n" + "".join(reversed(kept)) + last[:MAX_LOG_CHARACTERS]
