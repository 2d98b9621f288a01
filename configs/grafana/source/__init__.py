"""The dashboards: each a module of rows, written to ../dashboards by `python -m configs.grafana.source`."""
