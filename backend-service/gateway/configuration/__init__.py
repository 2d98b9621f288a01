"""`gateway.yaml` as a frozen value: `load` reads it once and refuses what is wrong with the key's name."""

from gateway.configuration.load import Configuration, ConfigurationError, load_configuration

__all__ = ["Configuration", "ConfigurationError", "load_configuration"]
