"""A row for each kind of provider that LiteLLM speaks to: its prefix, its address, its credentials as
arguments.

Everything that LiteLLM would else take from the environment is given, if only as an empty text: a value
that is None makes it look there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from gateway.providers import failures, protocols
from gateway.providers.protocols import Protocol
from gateway.types import Deployment, JsonObject, Operation, ProviderKind

_NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of provider is reached through LiteLLM.

    ``prefix`` and ``embeddings_prefix`` are LiteLLM's names of it. ``account`` gives the keyword arguments
    for address and credentials. ``path_prefix`` is what every path begins with after the address.
    ``extras``: its API is OpenAI's, so parameters that we do not know go to it as they are. ``fetches``:
    LiteLLM would fetch what an image's URL names. ``price_sections`` are the provider names of its rows in
    the price map.
    """

    prefix: str
    default_url: Callable[[Deployment], str]
    account: Callable[[Deployment, str], JsonObject]
    protocol: Protocol
    path_prefix: Callable[[Deployment], str]
    price_sections: frozenset[str]
    credential: tuple[str, ...] = ()
    embeddings: Protocol | None = None
    embeddings_prefix: str | None = None
    openai_sdk: bool = False
    extras: bool = False
    fetches: bool = True

    def base_url(self, deployment: Deployment) -> str:
        return (deployment.provider.base_url or self.default_url(deployment)).rstrip("/")

    def model(self, deployment: Deployment, operation: Operation) -> str:
        prefix = self.prefix
        if operation is Operation.EMBEDDINGS and self.embeddings_prefix:
            prefix = self.embeddings_prefix
        return f"{prefix}/{deployment.upstream_model}"

    def protocol_of(self, deployment: Deployment, operation: Operation) -> Protocol:
        if operation is Operation.EMBEDDINGS and self.embeddings is not None:
            return self.embeddings
        if self.prefix == "vertex_ai":
            return _vertex_protocol(deployment.upstream_model)
        return self.protocol

    def authenticates(self, deployment: Deployment) -> bool:
        """Whether the row has credentials; where it has none, none may go out."""
        return not self.credential or any(map(deployment.provider.credentials.get, self.credential))


def _fixed(url: str) -> Callable[[Deployment], str]:
    return lambda _: url


def _required(deployment: Deployment) -> str:
    raise failures.misconfigured(deployment.provider, "its row has no base_url")


def _under(path: str) -> Callable[[Deployment], str]:
    return lambda _: path


def _key(name: str) -> Callable[[Deployment, str], JsonObject]:
    def account(deployment: Deployment, base_url: str) -> JsonObject:
        return {"api_base": base_url, "api_key": deployment.provider.credentials.get(name) or _NO_KEY}

    return account


def vertex_url(region: str) -> str:
    """The regional address, so that the data stays there; ``us`` and ``eu`` are jurisdictions."""
    if region == "global":
        return "https://aiplatform.googleapis.com"
    if region in {"us", "eu"}:
        return f"https://aiplatform.{region}.rep.googleapis.com"
    return f"https://{region}-aiplatform.googleapis.com"


def _vertex_account(deployment: Deployment, base_url: str) -> JsonObject:
    return {
        "api_base": base_url,
        "vertex_project": deployment.provider.credentials.get("GOOGLE_CLOUD_PROJECT") or _NO_KEY,
        "vertex_location": deployment.region,
        # Not credentials: the name under which litellm_vertex.py has put the token.
        "vertex_credentials": vertex_key(deployment),
    }


def vertex_key(deployment: Deployment) -> str:
    return f"portcullis:{deployment.provider.name}"


def _vertex_protocol(model: str) -> Protocol:
    """Google's models speak Gemini's, Anthropic's their own, others (with a maker's name) OpenAI's."""
    if model.startswith("claude"):
        return protocols.ANTHROPIC
    return protocols.OPENAI if "/" in model else protocols.GEMINI


def _vertex_path(deployment: Deployment) -> str:
    """Holds the location: LiteLLM sends a model elsewhere if it thinks that the region does not have it."""
    project = deployment.provider.credentials.get("GOOGLE_CLOUD_PROJECT") or _NO_KEY
    return f"/v1/projects/{project}/locations/{deployment.region}/"


def _bedrock_url(deployment: Deployment) -> str:
    suffix = ".cn" if deployment.region.startswith("cn-") else ""
    return f"https://bedrock-runtime.{deployment.region}.amazonaws.com{suffix}"


def _bedrock_account(deployment: Deployment, base_url: str) -> JsonObject:
    credentials = deployment.provider.credentials
    return {
        "api_key": credentials.get("AWS_BEARER_TOKEN_BEDROCK", ""),
        "aws_access_key_id": credentials.get("AWS_ACCESS_KEY_ID", ""),
        "aws_secret_access_key": credentials.get("AWS_SECRET_ACCESS_KEY", ""),
        # Empty is not sent, and with it the keys are used as they are, without a session of boto3.
        "aws_session_token": credentials.get("AWS_SESSION_TOKEN", ""),
        "aws_region_name": deployment.region,
        "aws_bedrock_runtime_endpoint": base_url,
    }


def _bedrock_path(deployment: Deployment) -> str:
    return f"/model/{quote(deployment.upstream_model, safe='')}/"


KINDS: Mapping[ProviderKind, Kind] = MappingProxyType(
    {
        ProviderKind.OPENAI: Kind(
            prefix="openai",
            default_url=_fixed("https://api.openai.com/v1"),
            account=_key("OPENAI_API_KEY"),
            credential=("OPENAI_API_KEY",),
            protocol=protocols.OPENAI,
            path_prefix=_under(""),
            price_sections=frozenset({"openai"}),
            openai_sdk=True,
            extras=True,
            fetches=False,
        ),
        ProviderKind.ANTHROPIC: Kind(
            prefix="anthropic",
            default_url=_fixed("https://api.anthropic.com"),
            account=_key("ANTHROPIC_API_KEY"),
            credential=("ANTHROPIC_API_KEY",),
            protocol=protocols.ANTHROPIC,
            path_prefix=_under("/v1/messages"),
            price_sections=frozenset({"anthropic"}),
        ),
        ProviderKind.GROQ: Kind(
            prefix="groq",
            default_url=_fixed("https://api.groq.com/openai/v1"),
            account=_key("GROQ_API_KEY"),
            credential=("GROQ_API_KEY",),
            protocol=protocols.OPENAI,
            path_prefix=_under("/chat/completions"),
            price_sections=frozenset({"groq"}),
            fetches=False,
        ),
        ProviderKind.OLLAMA: Kind(
            prefix="ollama_chat",
            embeddings_prefix="ollama",
            default_url=_fixed("http://127.0.0.1:11434"),
            account=_key("OLLAMA_API_KEY"),
            credential=("OLLAMA_API_KEY",),
            protocol=protocols.OLLAMA,
            path_prefix=_under("/api/"),
            price_sections=frozenset({"ollama"}),
        ),
        ProviderKind.OPENAI_COMPATIBLE: Kind(
            prefix="hosted_vllm",
            default_url=_required,
            account=_key("OPENAI_COMPATIBLE_API_KEY"),
            credential=("OPENAI_COMPATIBLE_API_KEY",),
            protocol=protocols.OPENAI,
            path_prefix=_under(""),
            price_sections=frozenset(),
            extras=True,
            fetches=False,
        ),
        ProviderKind.VERTEX_AI: Kind(
            prefix="vertex_ai",
            default_url=lambda deployment: vertex_url(deployment.region),
            account=_vertex_account,
            protocol=protocols.GEMINI,
            embeddings=protocols.VERTEX_EMBEDDINGS,
            path_prefix=_vertex_path,
            price_sections=frozenset({"vertex_ai"}),
        ),
        ProviderKind.BEDROCK: Kind(
            prefix="bedrock",
            default_url=_bedrock_url,
            account=_bedrock_account,
            protocol=protocols.BEDROCK,
            embeddings=protocols.TITAN_EMBEDDINGS,
            path_prefix=_bedrock_path,
            price_sections=frozenset({"bedrock", "bedrock_converse"}),
        ),
    }
)


def origin_and_path(kind: Kind, deployment: Deployment) -> tuple[str, str]:
    """``https://host:port`` and how every path there must begin."""
    url = urlsplit(kind.base_url(deployment))
    return f"{url.scheme}://{url.netloc}", url.path + kind.path_prefix(deployment)
