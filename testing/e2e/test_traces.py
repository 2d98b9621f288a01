"""A caller's trace is the gateway's business, and no provider's."""

from __future__ import annotations

from testing.e2e.caller import Caller
from testing.e2e.kinds import Kind
from testing.e2e.simulators import Simulators

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_no_provider_learns_of_it(kind: Kind, caller: Caller, simulators: Simulators) -> None:
    headers = {
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "tracestate": f"vendor={TRACE}",
        "baggage": f"trace={TRACE}",
    }
    answer = caller.chat(kind.model, headers=headers)
    assert answer.status_code == 200, answer.text
    assert simulators.asked() == {kind.name}
    assert simulators.holding(TRACE) == set()
