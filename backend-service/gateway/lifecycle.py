"""Where a process stands between its start and its end: what its probes and its answers say of it."""

from __future__ import annotations


class Lifecycle:
    """Started once warmed, draining from the first signal to end. Neither is ever taken back."""

    def __init__(self) -> None:
        self._started = False
        self._draining = False

    @property
    def started(self) -> bool:
        """Whether the first request would find everything at hand."""
        return self._started

    @property
    def draining(self) -> bool:
        """Whether the process is about to end: it still answers, and asks to be sent nothing new."""
        return self._draining

    def start(self) -> None:
        """Everything is at hand."""
        self._started = True

    def drain(self) -> None:
        """The end has begun."""
        self._draining = True
