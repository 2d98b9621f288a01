"""The shipped chain with everything in it, on the embedded edge, or on a real Kong that KONG_URL names."""
