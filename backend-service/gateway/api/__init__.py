"""Step 3: the HTTP surface. An endpoint reads, asks the pipeline, and answers."""

from gateway.api.errors import add_error_handlers
from gateway.api.management import management_routes
from gateway.api.routes import router

__all__ = ["add_error_handlers", "management_routes", "router"]
