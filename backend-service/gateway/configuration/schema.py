"""The file's shape. Unknown keys are refused: a misspelt `cleared_for` must not go unnoticed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.types import Operation, ProviderKind

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
CategoryName = Literal["internal", "pii", "phi", "pci", "secret"]
Seconds = Annotated[float, Field(gt=0, le=3600)]
DollarsPerMillion = Annotated[Decimal, Field(ge=0, le=10_000)]


class Row(BaseModel):
    """Frozen, and refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProviderRow(Row):
    """An account: its protocol and, where it is not the public one, its address. Never a credential."""

    kind: ProviderKind
    base_url: str | None = None


class AgreementRow(Row):
    """The agreement that clears a deployment for regulated data, such as a BAA."""

    ref: str
    expires: date


class PriceRow(Row):
    """US dollars for a million tokens. Only needed where LiteLLM's price map does not know the model."""

    input: DollarsPerMillion
    output: DollarsPerMillion
    cached_input: DollarsPerMillion | None = None
    cache_write: DollarsPerMillion | None = None


class TimeoutsRow(Row):
    """Deadlines of one attempt in seconds."""

    total_s: Seconds = 120
    first_chunk_s: Seconds = 60
    stall_s: Seconds = 60
    stream_s: Seconds = 600


class DeploymentRow(Row):
    """One model at one provider in one region."""

    id: Name
    provider: Name
    model: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s/]+(/[^\s]+)?$")]
    upstream_model: str | None = None
    operations: tuple[Operation, ...] = (Operation.CHAT,)
    region: str
    cleared_for: tuple[CategoryName, ...]
    agreement: AgreementRow | None = None
    price: PriceRow | None = None
    timeouts: TimeoutsRow = TimeoutsRow()


class TenantRow(Row):
    """What a consumer of Kong may do at most."""

    floor: tuple[CategoryName, ...] = ()
    residency: tuple[str, ...] | None = None
    models: tuple[str, ...] = ("*",)
    scopes: tuple[Literal["inference", "admin"], ...] = ("inference",)


class GatewayFile(Row):
    """The whole of `gateway.yaml`."""

    version: Literal[1]
    providers: dict[Name, ProviderRow] = Field(min_length=1)
    deployments: tuple[DeploymentRow, ...] = Field(min_length=1)
    tenants: dict[str, TenantRow] = Field(min_length=1)
