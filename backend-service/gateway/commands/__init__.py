"""The commands of `portcullis`: each module has a `run(options)` that returns the exit status."""
