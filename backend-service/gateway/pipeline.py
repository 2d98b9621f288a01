"""The order of a request's steps, and nothing else.

Steps 1 to 3 (edge, tag, reading) have happened when a request comes here. Steps 6 and 7 have no room yet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import date
from typing import Protocol, TypeVar

from gateway.errors import (
    GatewayError,
    ModelNotFound,
    NotCleared,
    ProviderError,
    ProviderRejected,
    Unavailable,
)
from gateway.ledger import cost_usd
from gateway.observability import Metrics, RequestRecord
from gateway.observability.steps import outcome_of
from gateway.policy import eligible, may_use
from gateway.routing import AUTO, candidates, plan
from gateway.types import (
    Answer,
    Caller,
    ChatRequest,
    Chunk,
    Deployment,
    EmbeddingsRequest,
    JsonObject,
    Operation,
)

Result = TypeVar("Result")


class Chunks(Protocol):
    """A stream that has begun. Closing it ends the request upstream."""

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def aclose(self) -> None: ...


class Asks(Protocol):
    """What the pipeline needs of the providers' room."""

    async def complete(self, deployment: Deployment, request: JsonObject) -> Answer: ...

    async def stream(self, deployment: Deployment, request: JsonObject) -> Chunks: ...

    async def embed(self, deployment: Deployment, request: JsonObject) -> Answer: ...


class Pipeline:
    """Takes a checked request and its caller to an answer; fills the request's record on the way."""

    def __init__(
        self,
        deployments: Sequence[Deployment],
        providers: Asks,
        metrics: Metrics,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.deployments = tuple(deployments)
        self.providers = providers
        self.metrics = metrics
        self.today = today

    async def chat(self, request: ChatRequest, caller: Caller, record: RequestRecord) -> Answer:
        """A complete chat answer. Raises GatewayError."""
        attempts = self._attempts(request.model, Operation.CHAT, caller, record)
        return await self._answer(
            attempts, record, lambda deployment: self.providers.complete(deployment, request.payload)
        )

    async def embed(self, request: EmbeddingsRequest, caller: Caller, record: RequestRecord) -> Answer:
        """Vectors as lists of floats. Raises GatewayError."""
        attempts = self._attempts(request.model, Operation.EMBEDDINGS, caller, record)
        return await self._answer(
            attempts, record, lambda deployment: self.providers.embed(deployment, request.payload)
        )

    async def chat_stream(
        self, request: ChatRequest, caller: Caller, record: RequestRecord
    ) -> AsyncGenerator[Chunk, None]:
        """A stream whose first chunk is there; what fails before it is raised here. Raises GatewayError."""
        attempts = self._attempts(request.model, Operation.CHAT, caller, record)
        chunks = await self._ask(
            attempts, record, lambda deployment: self.providers.stream(deployment, request.payload)
        )
        return self._settling(chunks, record)

    def usable(self, caller: Caller) -> list[Deployment]:
        """The deployments that the caller could be answered by, for its class as it stands."""
        allowed = [d for d in self.deployments if may_use(caller, d) and d.provider.unavailable is None]
        return list(eligible(caller.compliance, allowed, today=self.today()).deployments)

    def _attempts(
        self, model: str, operation: Operation, caller: Caller, record: RequestRecord
    ) -> tuple[Deployment, ...]:
        """Steps 5 and 8: policy first, then a plan over what it left. Raises when nothing is left."""
        with record.step("policy"):
            left = self._eligible(model, operation, caller, record)
        with record.step("routing"):
            return plan(model, left).attempts

    def _eligible(
        self, model: str, operation: Operation, caller: Caller, record: RequestRecord
    ) -> list[Deployment]:
        """Step 5: what ``model`` names, as far as this caller and this class may use it. Never empty."""
        named = [d for d in candidates(model, operation, self.deployments) if may_use(caller, d)]
        if not named:
            raise ModelNotFound(
                f"No model of that name for {operation.value}; GET /v1/models lists those you may use.",
                param="model",
            )
        record.model = model if model == AUTO else named[0].qualified_model
        verdict = eligible(caller.compliance, named, today=self.today())
        if not verdict.deployments:
            self.metrics.nobody_may_see(record, verdict.obligations())
            raise NotCleared(_refusal(record, verdict.obligations()), param="model")
        available = [d for d in verdict.deployments if d.provider.unavailable is None]
        if not available:
            reason = verdict.deployments[0].provider
            raise Unavailable(f"Provider {reason.name} is not set up: {reason.unavailable}.", param="model")
        return available

    async def _ask(
        self,
        attempts: Sequence[Deployment],
        record: RequestRecord,
        ask: Callable[[Deployment], Awaitable[Result]],
    ) -> Result:
        """Step 9: one deployment after the other until one answers. Raises the last one's error."""
        for deployment in attempts:
            attempt = record.ask(deployment)
            self.metrics.dispatched(record, attempt)
            try:
                with attempt:
                    return await ask(deployment)
            except ProviderError as error:
                if isinstance(error, ProviderRejected) or deployment is attempts[-1]:
                    raise
            finally:
                if attempt.ended is not None:
                    self.metrics.attempted(attempt)
        raise AssertionError("a plan without attempts")

    async def _answer(
        self,
        attempts: Sequence[Deployment],
        record: RequestRecord,
        ask: Callable[[Deployment], Awaitable[Answer]],
    ) -> Answer:
        """Steps 9 and 10 for an answer that comes whole."""
        answer = await self._ask(attempts, record, ask)
        attempt = record.asked[-1]
        attempt.response_model = answer.payload.get("model")
        attempt.end("ok")
        self.metrics.attempted(attempt)
        self._settle(answer, record)
        return answer

    async def _settling(self, chunks: Chunks, record: RequestRecord) -> AsyncGenerator[Chunk]:
        """Step 10 for a stream: pass chunks on, and take the usage from the one that has it."""
        record.outcome = "stream_abandoned"
        attempt = record.asked[-1]
        with self.metrics.open_streams.track_inprogress():
            try:
                async with aclosing(chunks):
                    async for chunk in chunks:
                        attempt.saw(chunk.payload)
                        if chunk.usage is not None:
                            self._settle(chunk, record)
                        yield chunk
                record.outcome = "ok"
                attempt.end("ok")
            except BaseException as error:
                if isinstance(error, GatewayError):
                    record.outcome = error.code
                attempt.end(outcome_of(error))
                raise
            finally:
                self.metrics.attempted(attempt)

    def _settle(self, answer: Answer | Chunk, record: RequestRecord) -> None:
        """Step 10: what it cost. An answer without usage has no cost that could be told."""
        with record.step("settle"):
            record.usage = answer.usage
            if answer.usage is not None and record.deployment is not None:
                record.cost = cost_usd(answer.usage, record.deployment.price)


def _refusal(record: RequestRecord, obligations: tuple[str, ...]) -> str:
    return (
        f"This request is {record.compliance.name}, and no deployment of {record.model} is cleared for it. "
        f"Missing: {', '.join(obligations)}. Nothing was sent. "
        'Use "auto" or a model that is cleared (GET /v1/models).'
    )
