"""configs/kubernetes: every way of putting it together, rendered, and checked as strictly as can be."""
