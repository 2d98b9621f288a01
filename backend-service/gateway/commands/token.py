"""`portcullis token`: print a token for a tenant."""

from __future__ import annotations

import argparse

from compliance.classes import parse_categories
from gateway.kong_config import read_consumers
from gateway.tokens import TokenRequest, make_token, parse_life


def run(options: argparse.Namespace) -> int:
    """Print the token. Raises TokenError, KongConfigError, or ValueError for an unknown class."""
    if options.floor:
        parse_categories(options.floor)
    request = TokenRequest(
        tenant=options.tenant,
        subject=options.subject,
        tier=options.tier,
        project=options.project,
        scopes=options.scope,
        models=options.model,
        class_floor=options.floor,
        residency=options.residency,
        life_s=parse_life(options.life),
    )
    print(make_token(request, read_consumers(options.consumers)))
    return 0
