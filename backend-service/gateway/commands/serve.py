"""`portcullis serve`: the backend behind a Kong, on its port and its management port."""

from __future__ import annotations

import argparse

import uvloop

from gateway.main import create_application, read_configuration
from gateway.observability import configure_logging
from gateway.providers.litellm_load import load
from gateway.serve import Listener, bind, serve
from gateway.settings import read_settings


def run(_: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. Raises SettingsError, ConfigurationError, TagKeysError, PortInUse."""
    settings = read_settings()
    configure_logging(settings.log_level)
    backend = bind(settings.host, settings.port)
    management = bind(settings.host, settings.management_port)
    application = create_application(settings, read_configuration(settings))
    load()
    listeners = (
        Listener(application.backend, backend, lifespan=True),
        Listener(application.management, management),
    )
    uvloop.run(serve(listeners))
    return 0
