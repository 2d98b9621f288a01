"""`portcullis kong-config`: the declarative configuration that a real Kong loads."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from gateway.kong_config import KongConfigError, read_consumers, read_issuers, read_yaml, render
from gateway.local.state import write_private
from gateway.settings import read_settings


def run(options: argparse.Namespace) -> int:
    """Print the rendered file, or write it to ``--output``. It holds the consumers' secrets."""
    document = render(
        read_yaml(options.file),
        consumers=read_consumers(options.consumers),
        service_url=options.service_url,
        tag_keys_file=options.tag_keys_file,
        limits=not options.no_limits,
        issuers=read_issuers(options.issuers) if options.issuers else None,
        redis_url=read_settings().redis_url,
        tls=options.tls,
        service_ca=_text(options.service_ca) if options.service_ca else None,
    )
    text = yaml.safe_dump(document, sort_keys=False)
    if options.output:
        write_private(options.output, text)
    else:
        print(text, end="")
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise KongConfigError(f"{path}: {error.strerror}") from error
