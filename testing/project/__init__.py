"""The files around the code: images, compose, CI, locks, dashboards, documents. They say what is true."""
