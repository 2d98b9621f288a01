"""The ways in which a text may stand in bytes, so that a search for it overlooks none of them."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote


def spellings(text: str) -> tuple[bytes, ...]:
    """Bytes, one of which is in any data that holds ``text``: plain, escaped or encoded.

    In base64 the text may begin at any of three places within a group; characters that depend on what stands
    beside it are left out.
    """
    plain = text.encode()
    escaped = "".join(f"\\u{ord(character):04x}" for character in text)
    percent = "".join(f"%{byte:02X}" for byte in plain)
    found = {
        plain,
        plain[::-1],
        json.dumps(text)[1:-1].encode(),
        quote(text, safe="").encode(),
        plain.hex().encode(),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        *(escaped.encode(), escaped.upper().replace("\\U", "\\u").encode()),
        *(percent.encode(), percent.lower().encode()),
    }
    for lead in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(b"\0" * lead + plain)
            found.add(encoded[-(-lead * 8 // 6) : (lead + len(plain)) * 8 // 6])
    return tuple(found)


def holds(data: bytes, text: str) -> bool:
    """Whether ``data`` holds ``text`` in any spelling."""
    lower = data.lower()
    return any(spelling in data or spelling.lower() in lower for spelling in spellings(text))
