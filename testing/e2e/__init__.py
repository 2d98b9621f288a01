"""End to end: what a caller, an operator or an intruder can do, over real sockets, with nothing patched."""
