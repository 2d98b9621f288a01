#!/usr/bin/env python3
"""Draws one request's way and the deployment on a cluster, as SVG and PNG.

    .venv/bin/python diagrams/architecture-diagram.py            write diagrams/*.svg and *.png
    .venv/bin/python diagrams/architecture-diagram.py --check    name the stale ones; exit status 1 if any

What is drawn stands in pictures.py. PNGs are made by resvg-py (`./deploy.sh setup tests`) with the font
DejaVu Sans (Debian: fonts-dejavu-core); each holds the hash of the SVG that it was made from.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import resvg_py
from drawing import Picture, svg
from pictures import PICTURES

FOLDER = Path(__file__).resolve().parent
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"svg-sha256"
ZOOM = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 if a file is stale"
    )
    options = parser.parse_args(arguments)
    if options.check:
        stale = [file.name for picture in PICTURES for file in stale_files(picture)]
        for name in stale:
            sys.stderr.write(f"diagrams/{name} is stale: run diagrams/architecture-diagram.py\n")
        return 1 if stale else 0
    for picture in PICTURES:
        drawn = svg(picture)
        _replace(FOLDER / f"{picture.name}.svg", drawn.encode())
        _replace(FOLDER / f"{picture.name}.png", png(drawn))
    return 0


def stale_files(picture: Picture) -> list[Path]:
    """The files of ``picture`` that are missing or not what the source draws now."""
    drawn = svg(picture).encode()
    vector, raster = FOLDER / f"{picture.name}.svg", FOLDER / f"{picture.name}.png"
    stale = []
    if not vector.is_file() or vector.read_bytes() != drawn:
        stale.append(vector)
    if not raster.is_file() or _chunk(drawn) not in raster.read_bytes():
        stale.append(raster)
    return stale


def png(drawn: str) -> bytes:
    """The SVG as a PNG of twice its size that holds the SVG's hash. Raises SystemExit without a font."""
    rendered = resvg_py.svg_to_bytes(
        svg_string=drawn, zoom=ZOOM, font_family="DejaVu Sans", sans_serif_family="DejaVu Sans"
    )
    without_text = resvg_py.svg_to_bytes(svg_string=drawn, zoom=ZOOM, skip_system_fonts=True)
    if rendered == without_text:
        raise SystemExit("no font was found: install DejaVu Sans (Debian: apt-get install fonts-dejavu-core)")
    header_end = len(SIGNATURE) + 25  # the first chunk, IHDR, is always 25 bytes long
    return bytes(rendered[:header_end] + _chunk(drawn.encode()) + rendered[header_end:])


def _chunk(drawn: bytes) -> bytes:
    """PNG's tEXt chunk with the hash of an SVG."""
    content = b"tEXt" + KEYWORD + b"\0" + hashlib.sha256(drawn).hexdigest().encode()
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def _replace(file: Path, content: bytes) -> None:
    new = file.with_suffix(file.suffix + ".new")
    new.write_bytes(content)
    new.replace(file)


if __name__ == "__main__":
    sys.exit(main())
