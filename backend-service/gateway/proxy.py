"""The forward proxy that requests to providers leave through, and who is asked without it."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORT = 3128


class ProxyError(ValueError):
    """The text is no proxy's address. The message says what would be right and holds nothing of the text."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that tunnels (``CONNECT``): TLS is from here to the provider, the proxy sees only its name.

    ``exempt`` are the entries of ``NO_PROXY``: names with all below them, addresses, networks, each with a
    port where only that one is meant, or ``*``.
    """

    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    exempt: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where it listens, without credentials: good for a log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """With the credentials: for a client, never for a person."""
        if self.username is None:
            return self.address
        account = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return self.address.replace("://", f"://{account}@", 1)

    @property
    def headers(self) -> dict[str, str]:
        """What goes to the proxy itself and to nobody behind it."""
        if self.username is None:
            return {}
        account = b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {account}"}

    def serves(self, url: str) -> bool:
        """Whether ``url`` is asked through it.

        Servers without TLS are one's own, and this machine's loopback is not the proxy's: they never are.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or is_loopback(parts.hostname):
            return False
        return not any(_matches(entry, parts.hostname, parts.port or 443) for entry in self.exempt)


def parse_proxy(text: str, exempt: str = "") -> Proxy:
    """``http://[NAME:PASSWORD@]HOST[:PORT]`` and a list with commas. Raises ProxyError."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if (
        parts.scheme != "http"
        or not host
        or port == 0
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ProxyError(
            "it must be http://HOST:PORT, with NAME:PASSWORD@ before the host where the proxy wants them"
        )
    return Proxy(
        host=host,
        port=port or DEFAULT_PORT,
        username=None if parts.username is None else unquote(parts.username),
        password=unquote(parts.password or ""),
        exempt=tuple(entry for each in exempt.split(",") if (entry := each.strip().lower())),
    )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this very machine, by its name or address."""
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, _, only = entry.rpartition(":") if entry.count(":") == 1 or "]:" in entry else (entry, "", "")
    if only and only != str(port):
        return False
    name = name.strip("[]")
    if address := _address(host):
        try:
            return address in ipaddress.ip_network(name, strict=False)
        except ValueError:
            return False
    name = name.removeprefix("*").removeprefix(".").removesuffix(".")
    host = host.removesuffix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
