"""Clients that ask over and over, JSON and streams, and compare every answer with what the simulator sent."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from testing.e2e.under_test import Gateway

CLIENTS = 64
CHAT = "/v1/chat/completions"
#: Each client's turns. With more streams than that the load is mostly waiting.
TURNS = (True, False, False)
PAUSE_S = 0.6
WORDS = 14
"""Of a whole answer; each is a piece of the stream."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that has ended. `problem` is None when the answer was the right one, and whole."""

    client: int
    stream: bool
    seconds: float
    problem: str | None


@dataclass
class Load:
    """What all clients saw so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    streaming: int = 0

    @property
    def problems(self) -> Counter[str]:
        """What went wrong, and how often."""
        return Counter(each.problem for each in self.exchanges if each.problem is not None)

    @property
    def clients(self) -> int:
        """How many clients have got at least one whole stream."""
        return len({each.client for each in self.exchanges if each.stream})

    def seconds(self, *, stream: bool) -> list[float]:
        """How long each took."""
        return [each.seconds for each in self.exchanges if each.stream is stream]


@asynccontextmanager
async def loading(gateway: Gateway, clients: int = CLIENTS) -> AsyncIterator[Load]:
    """The clients ask until the block ends, and then finish what they have begun."""
    load, stop = Load(), asyncio.Event()
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        tasks = [
            asyncio.create_task(_client(number, gateway, session, load, stop)) for number in range(clients)
        ]
        try:
            yield load
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _client(
    number: int, gateway: Gateway, session: aiohttp.ClientSession, load: Load, stop: asyncio.Event
) -> None:
    token = gateway.make_token(gateway.pool[number % len(gateway.pool)] or "", life_s=3600)
    turn = number
    while not stop.is_set():
        stream = TURNS[turn % len(TURNS)]
        begun = time.monotonic()
        load.streaming += stream
        try:
            problem = await _ask(session, gateway.url, token, number + turn, stream=stream)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
            problem = f"{type(error).__name__}: {error}"
        load.streaming -= stream
        load.exchanges.append(Exchange(number, stream, time.monotonic() - begun, problem))
        turn += 1
        await asyncio.sleep(PAUSE_S)


async def _ask(
    session: aiohttp.ClientSession, url: str, token: str, length: int, *, stream: bool
) -> str | None:
    """What is wrong with the answer. Prompts and answers are of many lengths."""
    prompt = "x" * (length % 97 + 1)
    words = length % (WORDS - 3) + 4
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": words,
        "stream": stream,
    }
    async with session.post(url + CHAT, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
        if answer.status != 200:
            return f"status {answer.status}: {_message(await answer.text())}"
        text = _streamed(await answer.text()) if stream else _whole(await answer.json())
    return None if text == _expected(prompt, words) else f"another answer: {text!r}"


def _message(body: str) -> str:
    """Without what differs from one to the next."""
    return re.sub(r"[0-9a-f]{32}", "...", " ".join(body.split()))[:200]


def _expected(prompt: str, words: int) -> str:
    text = (
        f"[simulated openai] gpt-4o-mini answers: received {len(prompt)} characters, this text is not real."
    )
    return " ".join(text.split(" ")[:words])


def _whole(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


def _streamed(text: str) -> str:
    *events, last, rest = text.split("\n\n")
    if (last, rest) != ("data: [DONE]", ""):
        return f"a stream that ends with {text[-60:]!r}"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    if choices[-1]["finish_reason"] not in {"stop", "length"}:
        return "a stream without a reason for its end"
    return "".join(choice["delta"].get("content") or "" for choice in choices)
