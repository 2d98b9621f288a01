"""One line a request, JSON, without content."""

import json
import logging
from decimal import Decimal

import pytest

from gateway.observability import configure_logging, money

MARK = "planted-marker"


def lines(capture: pytest.CaptureFixture[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def restore_logging() -> object:
    """The test changes the process' logging; pytest's own handlers come back after it."""
    import structlog

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


async def test_a_request_leaves_one_line_without_content(
    settings: object,
    configuration: object,
    scripted: object,
    running: object,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    configure_logging("info")
    body = {"model": "m-own", "messages": [{"role": "user", "content": MARK}]}
    wrong = {"model": MARK, "messages": [{"role": MARK, "content": MARK}]}
    async with running(settings, configuration, scripted) as backend:  # type: ignore[operator]
        for payload in (body, wrong):
            async with backend.post("/v1/chat/completions", payload) as response:
                await response.read()
        async with backend.session.get(f"{backend.url}/{MARK}?{MARK}={MARK}") as response:
            await response.read()
    output = capfdbinary.readouterr().out
    assert MARK.encode() not in output
    logged = [json.loads(line) for line in output.splitlines()]
    assert [line["status"] for line in logged] == [200, 400, 401]
    assert logged[0]["cost_usd"] == "0.14"
    assert logged[0]["tenant"] == "demo"
    assert all(line["request_id"] and line["message"] == "request" for line in logged)
    assert b"eyJ" not in output


def test_a_librarys_values_stay_out(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logging("info")
    logging.getLogger("some.library").warning("went wrong with %s", MARK)
    logging.getLogger("LiteLLM").error("prompt: %s", MARK)
    (line,) = lines(capfdbinary)
    assert line["template"] == "went wrong with %s"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "0.0"), ("2E-8", "0.00000002"), ("1.50", "1.5"), ("0.0000000000001", "0.0"), ("12", "12.0")],
)
def test_money_is_plain_digits(amount: str, shown: str) -> None:
    assert money(Decimal(amount)) == shown
