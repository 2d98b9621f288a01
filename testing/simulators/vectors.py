"""Embeddings without a model: texts that share words are near each other, equal texts are equal."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64encode
from math import sqrt
from typing import Any


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1 with a place for every word (feature hashing)."""
    vector = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        digest = int.from_bytes(
            hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
        )
        vector[(digest >> 1) % dimensions] += 1.0 if digest & 1 else -1.0
    length = sqrt(sum(value * value for value in vector))
    if not length:  # words that cancelled each other
        return [1.0, *vector[1:]]
    # Through float32, so that base64 and JSON say the same number.
    return list(_floats(vector, length))


def _floats(vector: list[float], length: float) -> tuple[float, ...]:
    packed = struct.pack(f"<{len(vector)}f", *(value / length for value in vector))
    return struct.unpack(f"<{len(vector)}f", packed)


def as_base64(vector: list[float]) -> str:
    """Little-endian float32 in base64, as OpenAI sends it."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def tokens(text: Any) -> int:
    """How many tokens an input counts: a token array its length, a text a fourth of its characters."""
    return len(text) if isinstance(text, list) else max(1, -(-len(str(text)) // 4))
