"""A plugin server for Kong 3.9 that runs plugins written for kong-pdk, and outlives what they do.

    Kong --socket--> server (one thread reads, plugins run in greenlets on it)      a worker process
                       | a plugin that blocks: another thread reads on              runners.py
                       | a plugin that holds the whole process: killed              supervisor.py
                       v
                     the plugin's access(kong), kong_pdk's own Kong object          events.py

What must hold, whatever a plugin does: each event is answered within 1.5 s; one that fails is logged with
`kong.log.err` and refused with 503, never let through; the others go on; no answer is sent so late that Kong
could take it for the next one's.
"""

import os
from typing import Final

STARTED_BY: Final = os.getppid()
"""The process of Kong that started us; read before anything else, since it may end at any time."""
