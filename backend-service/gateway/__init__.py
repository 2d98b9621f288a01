"""The Portcullis backend: verifies the tag, decides who may see a request, asks, and answers."""
