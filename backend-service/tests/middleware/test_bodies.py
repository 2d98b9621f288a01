"""Large bodies do not fill the process: there is room for so many, and for every small one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.errors import CallerLeft, GatewayError, RequestTooLarge, Unavailable
from gateway.middleware.bodies import SMALL, Bodies

MB = 1024 * 1024


def sent(pieces: Sequence[bytes], *, said: bool = True, whole: bool = True) -> tuple[Any, Any]:
    """A request with a body in pieces; its length is said, or not; it is whole, or its caller leaves."""
    length = str(sum(map(len, pieces))).encode()
    scope = {"type": "http", "headers": [(b"content-length", length)] if said else []}
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    end = {"type": "http.request", "more_body": False} if whole else {"type": "http.disconnect"}
    coming = iter([*messages, end])

    async def receive() -> Any:
        return next(coming)

    return scope, receive


async def refused(bodies: Bodies, request: tuple[Any, Any]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        async with bodies.read(*request):
            raise AssertionError("it was let through")
    return raised.value


@pytest.mark.parametrize("said", [True, False])
async def test_room_is_taken_while_a_body_is_held_and_given_back(said: bool) -> None:
    bodies = Bodies(each=4 * MB, together=6 * MB)
    large = [b"x" * MB] * 4
    async with bodies.read(*sent(large, said=said)) as body:
        assert body == b"x" * 4 * MB
        error = await refused(bodies, sent(large, said=said))
        assert isinstance(error, Unavailable)
        assert error.retry_after_s == 1
        async with bodies.read(*sent([b"y" * MB] * 2, said=said)):
            pass
    async with bodies.read(*sent(large, said=said)):
        pass


async def test_a_small_body_has_room_beside_large_ones() -> None:
    bodies = Bodies(each=4 * MB, together=4 * MB)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bodies.read(*sent([b"x" * 4 * MB])))
        for _ in range(50):
            await stack.enter_async_context(bodies.read(*sent([b"y" * SMALL])))
        assert isinstance(await refused(bodies, sent([b"y" * (SMALL + 1)])), Unavailable)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (sent([b"x" * 3 * MB, b"x" * 3 * MB]), RequestTooLarge),
        (sent([b"x" * 3 * MB, b"x" * 3 * MB], said=False), RequestTooLarge),
        (sent([b"x" * 3 * MB], whole=False), CallerLeft),
    ],
)
async def test_what_is_not_read_whole_leaves_no_room_taken(request_: Any, error: type[Exception]) -> None:
    bodies = Bodies(each=4 * MB, together=4 * MB)
    assert isinstance(await refused(bodies, request_), error)
    async with bodies.read(*sent([b"x" * 4 * MB])):
        pass


async def test_an_error_while_it_is_answered_gives_its_room_back() -> None:
    bodies = Bodies(each=4 * MB, together=4 * MB)
    with pytest.raises(ZeroDivisionError):
        async with bodies.read(*sent([b"x" * 4 * MB])):
            raise ZeroDivisionError
    async with bodies.read(*sent([b"x" * 4 * MB])):
        pass
