"""How fast the whole path is, beside a bare pass-through to the same upstream.

`testing/load/bench.py --help` says how to run it. `options.py` holds what can be asked, `bodies.py` what
is sent, `client.py` the load (a process of its own), `systems.py` and `passthrough.py` what is loaded,
`children.py` how programs are started and ended, `processes.py` what a system takes of the machine,
`rounds.py` the order of measuring, `figures.py` the medians and ratios, `report.py` the table, `command.py`
the whole run.
"""
