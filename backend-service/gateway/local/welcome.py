"""What a person reads when the gateway is ready."""

from __future__ import annotations

from gateway.local.run import Ready

CURL = """\
  curl {url}/v1/chat/completions \\
    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
    -d '{{"model": "auto", "messages": [{{"role": "user", "content": "Say hello"}}]}}'"""


def welcome(ready: Ready) -> str:
    """The text with the address, a token and a request that works."""
    lines = [f"Portcullis is ready at {ready.url} ({ready.seconds:.1f} s). Ctrl-C ends it.", ""]
    if ready.simulated:
        lines += [
            f"No credentials for: {', '.join(ready.simulated)}.",
            "Their answers are SIMULATED. See .env.example for what to set to use the real ones.",
            "",
        ]
    if not ready.limits:
        lines += ["WARNING: --no-limits is on. Nobody is rate limited.", ""]
    return "\n".join(
        [
            *lines,
            "A token for 7 days, and a request that works:",
            "",
            f"  TOKEN={ready.token}",
            CURL.format(url=ready.url),
            "",
            f"OpenAI's SDKs: base_url={ready.url}/v1, api_key=$TOKEN",
            f"Operation:     {ready.management_url}/ready  /metrics  /docs",
            "Another token: .venv/bin/portcullis token --help",
            "",
        ]
    )
