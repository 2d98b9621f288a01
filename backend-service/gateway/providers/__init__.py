"""Step 9, asking: one interface to every provider. ``litellm`` is imported only by ``litellm*.py`` in
here."""

from gateway.providers.asking import Providers

__all__ = ["Providers"]
