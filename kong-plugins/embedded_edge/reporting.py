"""Errors in the log: kind and place, for their text could quote the request."""

import logging

from embedded_edge.upstream import UpstreamBrokenError, UpstreamError

_log = logging.getLogger("embedded_edge")


def report(where: str, error: BaseException) -> None:
    """Kind and place of an error: its text could quote the request."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    _log.error("%s raised %s at %s", where, type(error).__name__, place)


def report_upstream(name: str, error: UpstreamError) -> None:
    if isinstance(error, UpstreamBrokenError) and error.__cause__ is not None:
        report(f"upstream {name}", error.__cause__)
    else:
        _log.warning("upstream %s failed: %s", name, type(error).__name__)
