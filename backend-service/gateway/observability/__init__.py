"""What the gateway says about itself: one log line, metrics and a trace a request, without content."""

from gateway.observability.logs import configure_logging
from gateway.observability.metrics import Metrics
from gateway.observability.record import Exchange, RequestRecord, money
from gateway.observability.traces import Traces

__all__ = ["Exchange", "Metrics", "RequestRecord", "Traces", "configure_logging", "money"]
