"""Importing LiteLLM, once, with everything off that is not shaping requests and answers.

The import takes 2 s and 110 MB, so nothing else imports it: ``load`` runs in a thread behind readiness.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from pathlib import Path
from typing import Any

from gateway.providers.wire import Wire

_lock = threading.Lock()


def folder() -> Path:
    """Where the package is, found without importing it."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package litellm is not installed")
    return Path(spec.origin).parent


def load() -> Any:
    """The module ``litellm``, set up. Blocks for about 2 s the first time; safe from any thread."""
    with _lock:
        _set_environment()
        import litellm  # noqa: PLC0415 - the reason for this module

        _set_switches(litellm)
        return litellm


def _set_environment() -> None:
    """What LiteLLM and its parts read while they are imported. The only place that writes the environment.

    ``LITELLM_MODE`` DEV, its default, loads any ``.env`` file in the folders above into the environment.
    """
    os.environ.update(
        {
            "DISABLE_AIOHTTP_TRUST_ENV": "True",
            "HF_HUB_OFFLINE": "1",
            "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
            "LITELLM_LOCAL_BLOG_POSTS": "True",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "CRITICAL",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_OFFLINE_MODE": "true",
            "TIKTOKEN_CACHE_DIR": str(folder() / "litellm_core_utils" / "tokenizers"),
        }
    )
    for name in [name for name in os.environ if name.startswith("LITELLM_") and name not in _OURS]:
        # Any of some hundred switches: they turn on callbacks, retries, other routes to a provider.
        del os.environ[name]


_OURS = frozenset(
    {
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS",
        "LITELLM_LOCAL_BLOG_POSTS",
        "LITELLM_LOCAL_MODEL_COST_MAP",
        "LITELLM_LOG",
        "LITELLM_MODE",
        "LITELLM_OFFLINE_MODE",
    }
)


def _set_switches(litellm: Any) -> None:
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logger = logging.getLogger(name)
        # Its messages hold prompts, answers and provider texts, at every level.
        logger.disabled = True
        logger.handlers.clear()
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.telemetry = False
    litellm.drop_params = False  # what to drop is decided in litellm_request.py
    litellm.modify_params = False
    litellm.num_retries = 0
    litellm.cache = None
    litellm.callbacks = []
    litellm.success_callback = []
    litellm.failure_callback = []
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    litellm.disable_hf_tokenizer_download = True
    litellm.route_all_chat_openai_to_responses = False
    # It ends a stream whose model repeats a chunk 100 times: a table of zeros is such an answer.
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 1_000_000_000
    # The client that it uses where a call's own is not passed on (Ollama's embeddings).
    litellm.module_level_aclient = http_client()


def http_client() -> Any:
    """LiteLLM's HTTP client on our wire. Holds no connections, so one would do for the process."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    return AsyncHTTPHandler(transport=Wire(), follow_redirects=False)


def openai_client(base_url: str, api_key: str) -> Any:
    """The client of OpenAI's own SDK on our wire; LiteLLM takes this one for OpenAI."""
    import httpx  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    # No timeout here: the deadlines are the deployment's, kept by whoever calls.
    connections = httpx.AsyncClient(
        transport=Wire(),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113
    )
    return AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, http_client=connections)
