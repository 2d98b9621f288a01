"""What a system takes of the machine: processor time and memory of its processes, out of /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted from the one after the name.
_SESSION, _USER, _SYSTEM = 3, 11, 12


def members(session: int) -> list[int]:
    """The processes of a session, its leader first."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if int(_stat(int(folder.name))[_SESSION]) == session:
                    found.append(int(folder.name))
    return sorted(found, key=lambda pid: (pid != session, pid))


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used, in steps of 10 ms, threads included."""
    fields = _stat(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_S


def pss_mb(pid: int) -> float:
    """Megabytes (10^6 bytes) of a process; what it shares with others is split between them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"the kernel does not tell the memory of process {pid}")


def _stat(pid: int) -> list[str]:
    # The name stands in parentheses and may hold anything, parentheses too.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
