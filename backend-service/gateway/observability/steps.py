"""When a request's steps began and ended, and each attempt at a deployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from gateway.errors import GatewayError
from gateway.observability.label_values import ABANDONED
from gateway.types import Deployment

CONTENT = ("content", "tool_calls", "reasoning_content", "refusal", "function_call", "audio")
"""The fields of a stream's delta that are a part of the answer."""


class Step(NamedTuple):
    """A part of a stage. Seconds of `time.perf_counter`."""

    stage: str
    begun: float
    ended: float


class Timed:
    """Adds the time inside to ``steps``, whatever ends it."""

    __slots__ = ("begun", "stage", "steps")

    def __init__(self, steps: list[Step], stage: str) -> None:
        self.steps = steps
        self.stage = stage

    def __enter__(self) -> None:
        self.begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.steps.append(Step(self.stage, self.begun, time.perf_counter()))


@dataclass(slots=True)
class Attempt:
    """One request to one deployment; inside it as a context its answer is waited for.

    Seconds of `time.perf_counter`: ``answered`` is when the answer or a stream's first chunk was there, or
    the attempt had failed; ``ended`` is when nothing more came. ``outcome`` is ``ok``, an error's code or
    ABANDONED.
    """

    deployment: Deployment
    sent: float = field(default_factory=time.perf_counter)
    answered: float | None = None
    ended: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    response_model: object = None
    outcome: str = ABANDONED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.answered = time.perf_counter()
        if error is not None:
            self.end(outcome_of(error))

    @property
    def waited_s(self) -> float:
        """Until the answer could begin, or until now."""
        return (self.answered or time.perf_counter()) - self.sent

    def end(self, outcome: str) -> None:
        """Nothing more comes, or is wanted."""
        self.ended = time.perf_counter()
        self.outcome = outcome

    def saw(self, payload: Mapping[str, Any]) -> None:
        """Notes when a stream's first and last chunk with content came, and of which model."""
        if self.response_model is None:
            self.response_model = payload.get("model")
        if has_content(payload):
            self.last_token = time.perf_counter()
            if self.first_token is None:
                self.first_token = self.last_token


def outcome_of(error: BaseException) -> str:
    """How an attempt ended that raised ``error``."""
    if isinstance(error, GatewayError):
        return error.code
    return ABANDONED if isinstance(error, asyncio.CancelledError | GeneratorExit) else GatewayError.code


def has_content(payload: Mapping[str, Any]) -> bool:
    """Whether a chunk holds a part of an answer; a role or a reason to stop is none."""
    for choice in payload.get("choices") or ():
        delta = choice.get("delta") or {}
        if any(delta.get(name) for name in CONTENT):
            return True
    return False
