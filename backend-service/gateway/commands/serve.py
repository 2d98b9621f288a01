"""`portcullis serve`: the backend behind a Kong, on its port and its management port."""

from __future__ import annotations

import argparse
import asyncio

import uvloop

from gateway.main import Application, create_application, read_configuration
from gateway.observability import configure_logging
from gateway.providers.litellm_load import load
from gateway.serve import Drain, Listener, bind, serve
from gateway.settings import Settings, read_settings
from gateway.tls import ServerTls


def run(_: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises SettingsError, ConfigurationError, TagKeysError, TlsError, PortInUse.
    """
    settings = read_settings()
    configure_logging(settings.log_level)
    backend = bind(settings.host, settings.port)
    management = bind(settings.host, settings.management_port)
    application = create_application(settings, read_configuration(settings))
    tls = _tls(settings, application)
    load()
    listeners = (
        Listener(application.backend, backend, lifespan=True, tls=tls.context if tls else None),
        # Last, and without TLS: until the very end it says that the process is not ready.
        Listener(application.management, management),
    )
    uvloop.run(_serve(listeners, tls, application, Drain(settings.drain_delay_s, settings.drain_grace_s)))
    return 0


def _tls(settings: Settings, application: Application) -> ServerTls | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    expires = application.gateway.metrics.certificate_expires
    return ServerTls(settings.tls_cert_file, settings.tls_key_file, lambda end: expires("backend", end))


async def _serve(
    listeners: tuple[Listener, ...], tls: ServerTls | None, application: Application, drain: Drain
) -> None:
    watching = asyncio.create_task(tls.watch()) if tls else None
    try:
        await serve(listeners, lifecycle=application.gateway.lifecycle, drain=drain)
    finally:
        if watching:
            watching.cancel()
