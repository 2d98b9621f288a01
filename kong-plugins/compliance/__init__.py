"""What a request may touch: classes and their join, detectors, text extraction, and the signed tag.

Pure Python below everything else: this package imports nothing of Kong, of the edge or of the backend.
"""
