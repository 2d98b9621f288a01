"""What spans and their attributes are called.

The names of spans are the steps of a request. GenAI attributes are OpenTelemetry's; its package keeps them in
a private module, so they stand here, and a test holds them to it.
"""

from __future__ import annotations

from typing import Final

from gateway.types import ProviderKind

API: Final = "3 api"
PROVIDER: Final = "9 provider"
STEPS: Final = {"policy": "5 policy", "routing": "8 routing", "settle": "10 settle"}
"""By stage. Tag and reading are one step, `API`; steps 6 and 7 have no room yet."""

HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
ERROR_TYPE: Final = "error.type"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE: Final = "service.instance.id"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

REQUEST_ID: Final = "portcullis.request_id"
COMPLIANCE_CLASS: Final = "portcullis.compliance_class"
TENANT: Final = "portcullis.tenant"
MODEL: Final = "portcullis.model"
DEPLOYMENT: Final = "portcullis.deployment"
ATTEMPT: Final = "portcullis.attempt"
ATTEMPTS: Final = "portcullis.attempts"
OUTCOME: Final = "portcullis.outcome"
COST: Final = "portcullis.cost_usd"
REGION: Final = "portcullis.region"
SIMULATED: Final = "portcullis.simulated"

PROVIDERS: Final = {
    ProviderKind.OPENAI: "openai",
    ProviderKind.ANTHROPIC: "anthropic",
    ProviderKind.GROQ: "groq",
    ProviderKind.VERTEX_AI: "gcp.vertex_ai",
    ProviderKind.VERTEX_ENDPOINT: "gcp.vertex_ai",
    ProviderKind.BEDROCK: "aws.bedrock",
    # Not among the well-known ones; others may be named.
    ProviderKind.OLLAMA: "ollama",
    ProviderKind.OPENAI_COMPATIBLE: "openai_compatible",
}
"""`gen_ai.provider.name` by protocol."""
