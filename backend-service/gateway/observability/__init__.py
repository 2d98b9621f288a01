"""What the gateway says about itself: one log line and a few metrics a request, without content."""

from gateway.observability.logs import configure_logging
from gateway.observability.metrics import Metrics
from gateway.observability.record import RequestRecord, money

__all__ = ["Metrics", "RequestRecord", "configure_logging", "money"]
