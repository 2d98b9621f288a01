"""Small real servers that speak the providers' protocols to the byte, for tests and for trying things out.

`python -m testing.simulators --help` says how to start them. A provider is a row in `providers.py`; how it
talks is one file in `protocols/`. What every provider shares: `http_server.py` (bytes in, bytes out),
`recorder.py` (what came in), `faults.py` and `script.py` (how an answer goes wrong), `reply.py` (what is
answered), `control.py`.
"""
