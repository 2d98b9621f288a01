"""`portcullis kong-config`: print the declarative configuration that a real Kong loads."""

from __future__ import annotations

import argparse

import yaml

from gateway.kong_config import read_consumers, read_yaml, render


def run(options: argparse.Namespace) -> int:
    """Print the rendered file. It holds the consumers' secrets: write it where only Kong reads it."""
    document = render(
        read_yaml(options.file),
        consumers=read_consumers(options.consumers),
        service_url=options.service_url,
        tag_keys_file=options.tag_keys_file,
        limits=not options.no_limits,
    )
    print(yaml.safe_dump(document, sort_keys=False), end="")
    return 0
