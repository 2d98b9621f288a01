"""Ending a backend, or Kong, under load: nothing may be lost or cut."""
