"""`portcullis egress`: what has to be reachable from here, for a firewall, a proxy or a cluster's policy."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from gateway.egress import FORMATS, egress_of
from gateway.kong_config import read_issuers
from gateway.main import read_configuration
from gateway.settings import read_settings


def run(options: argparse.Namespace) -> int:
    """Print the list; what it leaves out, on standard error. Raises SettingsError, ConfigurationError,
    KongConfigError or FormatError."""
    # A simulator's address is nobody's outside.
    settings = replace(read_settings(), simulators_file=None)
    issuers = read_issuers(options.issuers) if options.issuers else None
    egress = egress_of(read_configuration(settings).deployments, issuers, settings.proxy)
    print(FORMATS[options.format](egress), end="")
    for line in egress.left_out:
        print(f"portcullis: left out: {line}", file=sys.stderr)
    return 0
