"""AWS Signature Version 4, recomputed from the request as it came."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from testing.simulators.aws_roles import Roles
from testing.simulators.messages import Refusal, Request

_SKEW = 300
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z0-9-]+)/aws4_request,\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


def check_signature(
    request: Request, key_id: str, secret: str, service: str, roles: Roles | None = None
) -> None:
    """Refuse a request that is not signed with this key or a role's for this service, now, over what came."""
    form = _FORM.fullmatch(request.header("authorization") or "")
    if form is None:
        raise Refusal(403, "Missing Authentication Token", kind="MissingAuthenticationTokenException")
    session = request.header("x-amz-security-token")
    if session is not None and roles is not None and "x-amz-security-token" in form["headers"].split(";"):
        key_id, secret = form["key"], roles.secret(form["key"], session) or ""
    if form["key"] != key_id or (session is not None and not (roles and roles.secret(key_id, session))):
        raise Refusal(
            403, "The security token included in the request is invalid.", kind="UnrecognizedClientException"
        )
    stamp = request.header("x-amz-date") or ""
    if form["service"] != service or not stamp.startswith(form["date"]):
        message = f"Credential should be scoped to correct service: '{service}'."
        raise Refusal(403, message, kind="InvalidSignatureException")
    _check_time(stamp)
    scope = f"{form['date']}/{form['region']}/{form['service']}/aws4_request"
    canonical = hashlib.sha256(_canonical(request, form["headers"].split(";")).encode()).hexdigest()
    signing = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}"
    expected = hmac.new(
        _key(secret, form["date"], form["region"], service), signing.encode(), "sha256"
    ).hexdigest()
    if not hmac.compare_digest(expected, form["signature"]):
        raise Refusal(403, _MISMATCH, kind="InvalidSignatureException")


def _check_time(stamp: str) -> None:
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(
            403, "Date must be in ISO-8601 'basic format'.", kind="InvalidSignatureException"
        ) from None
    if abs((datetime.now(UTC) - at).total_seconds()) > _SKEW:
        message = f"Signature expired: {stamp} is now earlier or later than the allowed five minutes."
        raise Refusal(403, message, kind="InvalidSignatureException")


def _canonical(request: Request, signed: list[str]) -> str:
    if "host" not in signed or "x-amz-date" not in signed or signed != sorted(signed):
        raise Refusal(
            403, "'Host' and 'X-Amz-Date' must be signed headers.", kind="InvalidSignatureException"
        )
    digest = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, digest):
        raise Refusal(403, _MISMATCH, kind="InvalidSignatureException")
    query = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
    headers = "".join(f"{name}:{_value(request, name)}\n" for name in signed)
    return "\n".join(
        (
            request.method,
            # Encoded a second time, on top of what is on the wire: only S3 does not.
            quote(request.path, safe="/~-._"),
            "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query)),
            headers,
            ";".join(signed),
            digest,
        )
    )


def _value(request: Request, name: str) -> str:
    return ",".join(" ".join(value.split()) for key, value in request.headers if key.lower() == name)


def _key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
