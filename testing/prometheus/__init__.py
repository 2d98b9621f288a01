"""Prometheus, Alertmanager and what they are given: real ones, of Debian's packages or on the PATH."""
