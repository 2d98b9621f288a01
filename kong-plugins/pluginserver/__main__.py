"""`python -m pluginserver` with the flags of kong-python-pluginserver."""

import sys

from pluginserver.cli import main

sys.exit(main())
