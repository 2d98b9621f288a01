"""Paths as Kong rewrites them: kong/tools/uri.lua and get_upstream_uri_v0 of kong/router/utils.lua.

A path is a str of code points below 256, one for each byte.
"""

import re
from functools import lru_cache

_RESERVED = frozenset("!*'();:@&=+$,/?%#[]")
_TRIPLET = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^!#$&'()*+,/:;=?@\[\]A-Za-z0-9\-_.~%]")


@lru_cache(maxsize=1024)
def normalise(path: str) -> str:
    """Decodes what needs no encoding, resolves dots, and merges slashes."""
    if "%" in path:
        path = _TRIPLET.sub(_decode, path)
    if "." not in path and "//" not in path:
        return path
    output: list[str] = []
    for segment in _segments(path):
        if segment in ("/.", "/.."):
            if segment == "/.." and output:
                output.pop()
        else:
            output.append(segment)
    if path.endswith(("/.", "/..", "/")) and (not output or output[-1] != "/"):
        output.append("/")
    return "".join(output)


def is_text(path: str) -> bool:
    """Whether its bytes are UTF-8; Kong's router finds no route for any other path."""
    if path.isascii():
        return True
    try:
        path.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_valid(path: str) -> bool:
    """Whether nginx takes the path: every % begins a triplet, none is NUL, and `..` stays below the root."""
    if "%" in path and (_BROKEN.search(path) or "%00" in path):
        return False
    if ".." not in path and "%2e" not in path.lower():
        return True
    depth = 0
    for segment in _TRIPLET.sub(lambda found: chr(int(found[1], 16)), path).split("/")[1:]:
        depth += -1 if segment == ".." else segment not in ("", ".")
        if depth < 0:
            return False
    return True


def _segments(path: str) -> list[str]:
    """`/a`, `/b`: each with its slash, repeated slashes and a trailing one dropped."""
    return ["/" + part for part in path.split("/") if part]


def _decode(found: re.Match[str]) -> str:
    char = chr(int(found[1], 16))
    return found[0].upper() if char in _RESERVED else char


@lru_cache(maxsize=1024)
def escape(path: str) -> str:
    """Encodes what may not stand in a request line, and nothing else."""
    return _TO_ESCAPE.sub(lambda found: f"%{ord(found[0]):02X}", path)


def upstream_path(path: str, prefix: str | None, strip: bool, base: str) -> str:
    """The path asked of the upstream: `path` without `prefix` if `strip`, under the service's path `base`."""
    base = base or "/"
    if not strip:
        if base.endswith("/"):
            return base + path[1:]
        return base if path == "/" else base + path
    rest = _sanitise(path[len(prefix or "/") :])
    if base.endswith("/"):
        if not rest:
            return base if base == "/" or path.endswith("/") else base[:-1]
        return base + rest.removeprefix("/")
    if not rest:
        return base + "/" if len(path) > 1 and path.endswith("/") else base
    return base + rest if rest.startswith("/") else f"{base}/{rest}"


def _sanitise(rest: str) -> str:
    if rest in (".", ".."):
        return ""
    return rest.removeprefix("./") if rest.startswith("./") else rest.removeprefix("../")
