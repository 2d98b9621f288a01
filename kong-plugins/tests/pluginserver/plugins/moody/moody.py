"""Does what the header x-mode of the request says."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kong_pdk.exception import PDKException

from pluginserver.waiting import result_of

version = "0.1.0"
priority = 1
Schema = ({"name": {"type": "string", "default": "plain"}},)


POOL = ThreadPoolExecutor(4)


class Plugin:
    def __init__(self, config: dict[str, Any]) -> None:
        self.name = config.get("name", "plain")
        if self.name == "slow-start":
            time.sleep(30)

    def access(self, kong: Any) -> None:
        headers = kong.request.get_headers(1000)
        mode = headers["x-mode"][0] if headers else "fine"
        getattr(self, mode)(kong, headers)
        kong.service.request.set_headers({"X-Tag": self.name})

    def log(self, kong: Any) -> None:
        raise ValueError("in the log phase")

    def fine(self, kong: Any, headers: Any) -> None:
        pass

    def echo(self, kong: Any, headers: Any) -> None:
        """Every value back as it came."""
        kong.service.request.set_header("X-Echo", headers["x-echo"][0])
        kong.service.request.set_raw_body(kong.request.get_raw_body())

    def large(self, kong: Any, headers: Any) -> None:
        kong.service.request.set_raw_body("y" * 21_000_000)

    def too_large(self, kong: Any, headers: Any) -> None:
        kong.service.request.set_raw_body("y" * 70_000_000)

    def unpackable(self, kong: Any, headers: Any) -> None:
        kong.service.request.set_header("X", {1, 2})

    def error_result(self, kong: Any, headers: Any) -> None:
        try:
            kong.request.get_method()
        except PDKException as error:
            kong.service.request.set_header("X-Error", str(error))

    def raise_constant(self, kong: Any, headers: Any) -> None:
        raise ValueError("a text of the code")

    def raise_content(self, kong: Any, headers: Any) -> None:
        raise ValueError(f"could not read {headers['x-secret'][0]}")

    def raise_chained(self, kong: Any, headers: Any) -> None:
        try:
            int(headers["x-secret"][0])
        except ValueError as error:
            raise RuntimeError(headers["x-secret"][0]) from error

    def raise_unprintable(self, kong: Any, headers: Any) -> None:
        class Unprintable(Exception):
            args = property(lambda _: 1 / 0)

            def __str__(self) -> str:
                raise ZeroDivisionError

        raise Unprintable

    def raise_exit(self, kong: Any, headers: Any) -> None:
        raise SystemExit(3)

    def raise_interrupt(self, kong: Any, headers: Any) -> None:
        raise KeyboardInterrupt

    def recurse(self, kong: Any, headers: Any) -> None:
        self.recurse(kong, headers)

    def pool_nap(self, kong: Any, headers: Any) -> None:
        assert result_of(POOL.submit(lambda: threading.Event().wait(0.6) or 42)) == 42

    def pool_raise(self, kong: Any, headers: Any) -> None:
        result_of(POOL.submit(lambda: 1 // 0))

    def pool_sleep(self, kong: Any, headers: Any) -> None:
        result_of(POOL.submit(threading.Event().wait, 4))

    def exit(self, kong: Any, headers: Any) -> None:
        kong.response.exit(403, {"message": "no"})
        kong.log.err("never said")
        time.sleep(30)

    def exit_and_raise(self, kong: Any, headers: Any) -> None:
        kong.response.exit(403, {"message": "no"})
        raise ValueError("after the end")

    def exit_and_call_on(self, kong: Any, headers: Any) -> None:
        """Also what catches everything does not go on for ever."""
        kong.response.exit(403, {"message": "no"})
        for _ in range(3):
            try:
                kong.request.get_method()
            except BaseException:
                continue

    def exit_and_work(self, kong: Any, headers: Any) -> None:
        kong.response.exit(403, {"message": "no"})
        self.name = "worked on"
        raise SystemExit

    def sleep(self, kong: Any, headers: Any) -> None:
        time.sleep(30)

    def nap(self, kong: Any, headers: Any) -> None:
        time.sleep(0.6)

    def many_naps(self, kong: Any, headers: Any) -> None:
        for _ in range(100):
            time.sleep(0.04)
            kong.request.get_method()

    def loop(self, kong: Any, headers: Any) -> None:
        while True:
            pass

    def stubborn_loop(self, kong: Any, headers: Any) -> None:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            try:
                while time.monotonic() < end:
                    pass
            except BaseException:
                continue

    def backtrack(self, kong: Any, headers: Any) -> None:
        re.match("(a+)+$", "a" * 40 + "b")

    def seize(self, kong: Any, headers: Any) -> None:
        """One C function that does not let go of the interpreter, and hears no signal."""
        sum(range(10**11))

    def crash(self, kong: Any, headers: Any) -> None:
        import ctypes

        ctypes.string_at(0)
