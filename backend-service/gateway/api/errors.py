"""Whatever goes wrong inside the application, in one shape."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import GatewayError, InvalidRequest, MethodNotAllowed, NotFound


def add_error_handlers(app: FastAPI) -> None:
    """Make Starlette's own 404 and 405 ours; the envelope around the application renders them."""

    async def translate(request: Request, error: Exception) -> Response:
        raise _translated(request, error)

    app.add_exception_handler(HTTPException, translate)


def _translated(request: Request, error: Exception) -> GatewayError:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return NotFound("Nothing is served at this path; see /docs for what is.")
    if status == 405:
        return MethodNotAllowed(f"{request.method} is not served at this path; see /docs.")
    return InvalidRequest("The request cannot be read.")
