"""One file per protocol: how a provider checks credentials, answers, streams and refuses."""
