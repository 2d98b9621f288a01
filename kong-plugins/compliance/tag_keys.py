"""The secrets that tags are signed with: a JSON file with one current key and those that are still accepted.

    {"current": "k2", "keys": {"k1": "<base64url, 32 bytes or more>", "k2": "<...>"}}

To rotate: add the new key everywhere, then make it current, then remove the old one once its last tag has
expired.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

MIN_SECRET_BYTES: Final = 32
_KID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class TagKeysError(ValueError):
    """A key file that cannot be used. The message names the file and what is wrong, never a key."""


@dataclass(frozen=True, slots=True)
class TagKeys:
    """Secrets by `kid`; `current` signs, all of them verify. `repr` shows no secret."""

    current: str
    secrets: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def from_file(cls, path: str | Path) -> TagKeys:
        """Read and check the file; TagKeysError (a ValueError) that names it if it cannot be used."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise TagKeysError(f"tag keys file {path}: {error.strerror or 'cannot be read'}") from None
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            # Without a cause: the decoder's message may quote what stands in the file.
            raise TagKeysError(f"tag keys file {path}: not JSON") from None
        try:
            return cls.from_document(document)
        except TagKeysError as error:
            raise TagKeysError(f"tag keys file {path}: {error}") from None

    @classmethod
    def from_document(cls, document: Any) -> TagKeys:
        """The same from the parsed JSON."""
        if not isinstance(document, dict) or not isinstance(document.get("keys"), dict):
            raise TagKeysError('expected {"current": "<kid>", "keys": {"<kid>": "<base64url secret>"}}')
        secrets = {kid: _secret(kid, text) for kid, text in document["keys"].items()}
        current = document.get("current")
        if not isinstance(current, str) or current not in secrets:
            raise TagKeysError('"current" does not name one of "keys"')
        return cls(current, secrets)


def _secret(kid: str, text: Any) -> bytes:
    if not _KID.fullmatch(kid):
        raise TagKeysError(f"key id {kid[:20]!r}: expected 1 to 64 of A-Z a-z 0-9 . _ -")
    if not isinstance(text, str):
        raise TagKeysError(f"key {kid!r}: expected a base64url string")
    try:
        secret = urlsafe_b64decode(_padded(text))
    except (binascii.Error, ValueError):
        raise TagKeysError(f"key {kid!r}: not base64url") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise TagKeysError(f"key {kid!r}: {len(secret)} bytes, expected at least {MIN_SECRET_BYTES}")
    return secret


def _padded(text: str) -> bytes:
    bare = text.rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", bare):
        raise ValueError("not base64url")
    return (bare + "=" * (-len(bare) % 4)).encode("ascii")


class TagKeysFile:
    """The keys of a file that may change, or not be there yet.

    A change is seen within RECHECK_S. A file that is missing or wrong is an error at every use, until it is
    right: keys that were once read are not used on.
    """

    RECHECK_S: Final = 1.0

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._keys: TagKeys | None = None
        self._version: tuple[int, int, int] | None = None
        self._check_at = 0.0

    def keys(self, monotonic: float) -> TagKeys:
        """The keys as of `monotonic` (seconds of a monotonic clock); TagKeysError that names the file if
        unusable."""
        if self._keys is not None and monotonic < self._check_at:
            return self._keys
        version = self._stat()
        if self._keys is None or version != self._version:
            self._keys = None
            self._keys = TagKeys.from_file(self._path)
            self._version = version
        self._check_at = monotonic + self.RECHECK_S
        return self._keys

    def _stat(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            self._keys = None
            raise TagKeysError(f"tag keys file {self._path}: {error.strerror or 'cannot be read'}") from None
        return status.st_mtime_ns, status.st_ino, status.st_size
