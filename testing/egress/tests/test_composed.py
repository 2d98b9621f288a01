"""The backend as it is put together: HTTPS_PROXY is where its providers are asked through."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ProviderMisconfigured
from gateway.main import create_application, read_configuration
from gateway.settings import read_settings
from testing.egress.connect_proxy import ACCOUNT, ConnectProxy, listening

REGISTER = """
version: 1
providers: {acme: {kind: openai_compatible, base_url: "https://acme.test/v1"}}
deployments:
  - {id: acme, provider: acme, model: m, region: us, cleared_for: [], price: {input: 0, output: 0}}
tenants: {demo: {}}
"""


async def test_providers_are_asked_through_the_proxy_of_the_environment(tmp_path: Path) -> None:
    files = {"gateway.yaml": REGISTER, "tag-keys.json": '{"current": "k", "keys": {"k": "%s"}}' % ("A" * 43)}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    async with listening(ConnectProxy({}, {"acme.test:443": 403})) as proxy:
        settings = read_settings(
            {
                "PORTCULLIS_CONFIG": str(tmp_path / "gateway.yaml"),
                "PORTCULLIS_TAG_KEYS_FILE": str(tmp_path / "tag-keys.json"),
                "HTTPS_PROXY": f"http://{ACCOUNT[0]}:{ACCOUNT[1].replace('@', '%40')}@127.0.0.1:{proxy.port}",
            }
        )
        configuration = read_configuration(settings)
        application = create_application(settings, configuration)
        async with application.backend.router.lifespan_context(application.backend):
            ask = application.gateway.pipeline.providers.complete
            with pytest.raises(ProviderMisconfigured, match=r"refused the host acme\.test"):
                await ask(configuration.deployments[0], {"messages": [{"role": "user", "content": "Hi"}]})
    assert proxy.asked == ["acme.test:443"]
