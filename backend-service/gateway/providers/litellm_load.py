"""Importing LiteLLM, once, with everything off that is not shaping requests and answers.

The import takes 2 s and 110 MB, so nothing else imports it: ``load`` runs in a thread behind readiness.
"""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import httpx

from gateway.providers.wire import Closed, Wire

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
        _close_other_ways_out()
        _keep_no_accounts(litellm)
        _build_models()
        return litellm


def _set_environment() -> None:
    """What LiteLLM and gRPC read while they are imported. The only place that writes the environment.

    ``LITELLM_MODE`` DEV, its default, loads any ``.env`` file in the folders above into the environment.
    """
    for name in [name for name in os.environ if name.startswith("LITELLM_") or name in _INVENTED]:
        # Some hundred switches: callbacks, retries, other routes to a provider, other accounts.
        del os.environ[name]
    os.environ.update(
        {
            # gRPC's C part would write lines of its own into our log, addresses in them.
            "GRPC_VERBOSITY": "NONE",
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


_INVENTED = frozenset(
    {
        "AWS_BEDROCK_RUNTIME_ENDPOINT",
        "AWS_EXTERNAL_ID",
        "AWS_PROFILE_NAME",
        "AWS_REGION_NAME",
        "AWS_ROLE_NAME",
        "AWS_SESSION_NAME",
        "AWS_STS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN",
        "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER",
    }
)
"""Names that only LiteLLM reads, and that no argument overrules."""


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
    litellm.disable_token_counter = True
    # It loads 40 MB of tokens to estimate counts that providers leave out; we do not use estimates.
    litellm.main._encoding_cache = _NoTokens()


def _build_models() -> None:
    """Have pydantic build LiteLLM's answers here; it would in the first requests, and warn of each.

    The warnings are about ``ReadOnly`` in typed dictionaries of LiteLLM's, which pydantic does not enforce.
    """
    from litellm.types import utils  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"Item .* is using the `ReadOnly` qualifier", category=UserWarning
        )
        for name in (
            "Delta",
            "EmbeddingResponse",
            "Message",
            "ModelResponse",
            "ModelResponseStream",
            "Usage",
        ):
            getattr(utils, name).model_rebuild()


def _keep_no_accounts(litellm: Any) -> None:
    """LiteLLM keeps no account of a call: no payload for callbacks, which we have none of, and no cost, which
    is the ledger's. A third of the processor time of a request, and a queue with its prompt and answer in it.
    """
    from litellm.litellm_core_utils.litellm_logging import Logging  # noqa: PLC0415

    async def nothing_later(*_: Any, **__: Any) -> None:
        pass

    def nothing(*_: Any, **__: Any) -> None:
        pass

    Logging.async_success_handler = nothing_later
    Logging.success_handler = nothing
    Logging.handle_sync_success_callbacks_for_async_calls = nothing
    litellm.utils.update_response_metadata = nothing


class _NoTokens:
    """In the place of a tokenizer."""

    def encode(self, text: str, **_: Any) -> list[int]:
        del text
        return []


def _close_other_ways_out() -> None:
    """Every HTTP client that LiteLLM makes by itself goes over our wire, or nowhere.

    It does not pass a call's client on everywhere (embeddings of Vertex and Ollama), and asks on its own,
    with blocking calls, what it thinks it should know of a model (Ollama's ``/api/show``).
    """
    from litellm.llms.custom_httpx import http_handler  # noqa: PLC0415

    http_handler.AsyncHTTPHandler.create_client = _client_on_wire
    http_handler.HTTPHandler.create_client = _closed_client
    for made in gc.get_objects():  # a few are made while it is imported
        if issubclass(type(made), http_handler.AsyncHTTPHandler):
            made.client = _client_on_wire()
        elif issubclass(type(made), http_handler.HTTPHandler):
            made.client = _closed_client()


def _client_on_wire(*_: Any, **__: Any) -> httpx.AsyncClient:
    """No timeout: the deadlines are the deployment's, kept by whoever calls."""
    return httpx.AsyncClient(transport=Wire(), trust_env=False, follow_redirects=False, timeout=_NO_TIMEOUT)


def _closed_client(*_: Any, **__: Any) -> httpx.Client:
    return httpx.Client(transport=_ClosedWire(), trust_env=False)


class _ClosedWire(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise Closed(f"a blocking request by {request.method}")


_NO_TIMEOUT = httpx.Timeout(None)


def free_model(litellm: Any, name: str) -> None:
    """Let LiteLLM know a model that its map cannot know, so that it does not go and ask."""
    entry = {
        "litellm_provider": "ollama",
        "mode": "chat",
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
    }
    litellm.register_model({f"ollama_chat/{name}": entry, f"ollama/{name}": entry})


def http_client() -> Any:
    """LiteLLM's HTTP client, on our wire. Holds no connections, so one would do for the process."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    return AsyncHTTPHandler()


def openai_client(base_url: str, api_key: str) -> Any:
    """The client of OpenAI's own SDK, on our wire; LiteLLM takes this one for OpenAI."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    class Once(AsyncOpenAI):
        """Asks once. LiteLLM's embeddings take a ``max_retries`` of 0 for none given, and would set 2."""

        @property
        def max_retries(self) -> int:
            return 0

        @max_retries.setter
        def max_retries(self, _: int) -> None:
            pass

    return Once(api_key=api_key, base_url=base_url, max_retries=0, http_client=_client_on_wire())
