"""What libraries would do by themselves: import OpenTelemetry for nobody, and send what nobody asked for."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

CHILD = Path(__file__).parent / "child.py"
GATEWAY = Path(__file__).parents[2]
MARK = "zq7planted-marker"


async def run(settings: Any, **environment: str) -> tuple[list[str], bytes]:
    """What a backend with this environment imported, and all that it printed."""
    path = os.pathsep.join([str(GATEWAY), str(GATEWAY.parent / "kong-plugins")])
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    keys = str(settings.tag_keys_file)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
        keys,
        MARK,
        env={**kept, "PORTCULLIS_TAG_KEYS_FILE": keys, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    *said, imported = output.splitlines()
    return json.loads(imported), b"\n".join(said)


async def test_without_a_collector_nothing_is_imported_for_traces(settings: Any) -> None:
    imported, said = await run(settings)
    assert "gateway.observability.traces" in imported
    for name in ("gateway.observability.otlp", "opentelemetry.exporter", "opentelemetry.sdk.trace.export"):
        assert name not in imported
    assert MARK.encode() not in said


async def test_fastapis_own_telemetry_stays_off(settings: Any, collector: Any) -> None:
    """It sends exceptions with their messages and stacks, where its environment asks for it."""
    imported, said = await run(
        settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, FASTAPI_OTEL_AUTO_CONFIGURE="true"
    )
    assert "gateway.observability.otlp" in imported
    assert collector.other_paths == []
    assert {span.name for span in collector.spans()} >= {"POST /v1/chat/completions", "9 provider"}
    assert len(collector.named("POST /v1/chat/completions")) == 1
    assert MARK.encode() not in said + b"".join(collector.raw)
