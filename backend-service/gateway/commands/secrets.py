"""`portcullis secrets`: draw the tag's key and a credential for each tenant; what is there stays."""

from __future__ import annotations

import argparse

from gateway.local.state import State
from gateway.main import read_configuration
from gateway.settings import read_settings


def run(options: argparse.Namespace) -> int:
    """Draw what is missing and say where it is. Raises SettingsError or ConfigurationError."""
    state = State(options.state.absolute())
    state.prepare(read_configuration(read_settings()).tenants)
    print(f"{state.tag_keys}\n{state.consumers}")
    return 0
