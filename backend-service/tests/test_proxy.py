"""The forward proxy's address, who is asked without it, and that its credentials are not shown."""

from __future__ import annotations

from base64 import b64decode

import pytest

from gateway.proxy import Proxy, ProxyError, parse_proxy
from gateway.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://proxy:8080", "http://proxy:8080"),
        ("http://proxy", "http://proxy:3128"),
        (" http://Proxy.example:3128/ ", "http://proxy.example:3128"),
        ("http://gate:s3cret@proxy:3128", "http://proxy:3128"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
    ],
)
def test_an_address(text: str, address: str) -> None:
    proxy = parse_proxy(text)
    assert proxy.address == address
    assert "s3cret" not in repr(proxy)


def test_credentials_are_decoded_once_and_encoded_again() -> None:
    proxy = parse_proxy("http://gate:s3%40c%3Aret@proxy:3128")
    assert proxy.url == "http://gate:s3%40c%3Aret@proxy:3128"
    assert b64decode(proxy.headers["Proxy-Authorization"].removeprefix("Basic ")) == b"gate:s3@c:ret"
    assert parse_proxy("http://proxy").headers == {}


@pytest.mark.parametrize(
    "text",
    [
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "http://s3cret@",
        "http://proxy:0",
        "http://proxy:x",
        "http://proxy:3128/s3cret",
        "http://proxy:3128?s3cret",
        "http://gate:s3cret#x@proxy:3128",
        "http://gate:s3cret@[proxy",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ProxyError, match="http://HOST:PORT"):
        parse_proxy(text)
    with pytest.raises(SettingsError, match="HTTPS_PROXY") as caught:
        read_settings({"HTTPS_PROXY": text})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("exempt", "url", "served"),
    [
        ("", "https://api.openai.com/v1", True),
        ("", "https://10.0.0.5:8443", True),
        # Without TLS it is one's own; a loopback is this machine's, not the proxy's.
        ("", "http://vllm.internal/v1", False),
        ("", "https://localhost:8443", False),
        ("", "https://127.0.0.9", False),
        ("", "https://[::1]:1", False),
        ("*", "https://api.openai.com", False),
        ("openai.com", "https://api.openai.com", False),
        (".openai.com", "https://api.openai.com.", False),
        ("*.openai.com", "https://api.openai.com", False),
        ("openai.com", "https://notopenai.com", True),
        ("api.openai.com:8443", "https://api.openai.com", True),
        ("api.openai.com:443", "https://api.openai.com", False),
        ("a.example, API.OpenAI.com ,", "https://api.openai.com", False),
        ("10.0.0.0/8", "https://10.0.0.5:8443", False),
        ("10.0.0.5", "https://10.0.0.5:8443", False),
        ("10.0.0.5:8443", "https://10.0.0.5:8443", False),
        ("10.0.0.5:1", "https://10.0.0.5:8443", True),
        ("10.0.0.0/8", "https://api.openai.com", True),
        ("fd00::/8", "https://[fd00::1]", False),
        ("[fd00::1]:443", "https://[fd00::1]", False),
        (".", "https://api.openai.com", True),
    ],
)
def test_who_is_asked_through_it(exempt: str, url: str, served: bool) -> None:
    assert parse_proxy("http://proxy:3128", exempt).serves(url) is served


def test_the_environment_names_it_in_capitals_or_small() -> None:
    proxy = Proxy("proxy", 3128, exempt=(".svc",))
    assert read_settings({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".svc"}).proxy == proxy
    assert read_settings({"https_proxy": "http://proxy:3128", "no_proxy": ".svc"}).proxy == proxy
    assert read_settings({"HTTPS_PROXY": " ", "NO_PROXY": "*"}).proxy is None


def test_an_administrator_sees_its_address_only() -> None:
    settings = read_settings({"HTTPS_PROXY": "http://gate:s3cret@proxy:3128"})
    assert settings.public()["egress_proxy"] == "http://proxy:3128"
    assert "s3cret" not in repr(settings) + str(settings.public())
