"""Whose certificates are believed: the system's, or those that ``SSL_CERT_FILE`` names, by every client."""

from __future__ import annotations

import ssl
from pathlib import Path


def certificates_file() -> str | None:
    """The file of the system's authorities, as Python's own TLS finds it; None where it is a folder only."""
    return ssl.get_default_verify_paths().cafile


def certificates() -> bytes | None:
    """Its content, for a client that takes no file."""
    path = certificates_file()
    return Path(path).read_bytes() if path else None
