"""The part of Kong that Portcullis uses, for a machine without Kong.

It reads the same declarative file as a real Kong 3.9 (`config`), runs the same chain in the same order
(`app`, `plugins`), and answers like it (`answers`, `proxy`, `server`). What it does not know stops the start
by name.
"""
