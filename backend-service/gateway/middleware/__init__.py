"""Step 3, before anything is read: pure ASGI, outermost first: `Envelope`, then `TagCheck`."""

from gateway.middleware.bodies import Bodies
from gateway.middleware.envelope import Envelope
from gateway.middleware.replay import MemoryReplay, RedisReplay, ReplayGuard
from gateway.middleware.tag import TagCheck

__all__ = ["Bodies", "Envelope", "MemoryReplay", "RedisReplay", "ReplayGuard", "TagCheck"]
