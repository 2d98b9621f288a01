"""What Kong answers for a request that it does not send on, or whose upstream failed."""

from embedded_edge.answers import BAD_GATEWAY, TIMED_OUT, gateway_error, kong_error, nginx_page
from embedded_edge.exchange import Answer, Exchange
from embedded_edge.upstream import UpstreamError, UpstreamTimeoutError, UpstreamUnknownError


def refused(x: Exchange, status: int, message: str) -> Answer:
    if status in (501, 505):
        return nginx_page(status, [])
    answer = gateway_error(x, status, message)
    # nginx's own status for a header that is too large never reaches a client.
    answer.status = 400 if status == 494 else status
    return answer


def needs_https(x: Exchange) -> Answer:
    assert x.match is not None
    status = x.match.route.https_redirect_status
    if status == 426:
        upgrade = [(b"Upgrade", b"TLS/1.2, HTTP/1.1"), (b"Connection", b"Upgrade")]
        return kong_error(x, 426, "Please use HTTPS protocol", upgrade)
    return nginx_page(status, [(b"Location", b"https://" + x.forwarded_host + x.target)])


def upstream_failed(x: Exchange, error: UpstreamError) -> Answer:
    if isinstance(error, UpstreamUnknownError):
        return kong_error(x, 503, "name resolution failed")
    status, message = (504, TIMED_OUT) if isinstance(error, UpstreamTimeoutError) else (502, BAD_GATEWAY)
    answer = gateway_error(x, status, message)
    answer.from_proxy = True
    return answer
