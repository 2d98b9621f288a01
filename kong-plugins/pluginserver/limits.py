"""Every bound, in one place. Seconds, bytes, counts.

Kong gives a plugin server 2 s for each answer (`nginx_proxy_lua_socket_read_timeout`), then puts the
connection back into its pool. Everything that answers has to be done before that, and what is not must not be
sent.
"""

from __future__ import annotations

from typing import Final

DEADLINE_S: Final = 1.5
"""What one event may take of our time. Kong's time between two calls (a slow upload) does not count."""
QUEUED_S: Final = 1.7
"""How long an event may wait for a thread that another event of the same thread blocks."""
LATE_S: Final = 1.9
"""An answer older than this is not sent; the connection is closed instead."""
HANDOFF_S: Final = 0.05
"""A plugin that has kept the reading thread for so long goes on alone, and another thread reads."""
TICK_S: Final = 0.02
IDLE_EVENT_S: Final = 600.0
"""How long Kong may take for one PDK call: it may be reading a body from a slow client."""
STALLED_WRITE_S: Final = 60.0
"""Kong reads a large argument slowly: its decoder copies all of it for each 4 kB that come."""

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
LARGE_BYTES: Final = 1024 * 1024
"""A buffer that has held more is not kept."""
MAX_ITEMS: Final = 16_384
"""Of one array or map in a message."""
MAX_EVENTS: Final = 2_048
MAX_INSTANCES: Final = 1_024
MAX_CONNECTIONS: Final = 4_096
MAX_THREADS: Final = 32
MAX_LOG_CHARACTERS: Final = 1_500
"""nginx cuts a line of its log at 2,048."""
