"""Writes every dashboard, by rename, and removes what no row makes any more."""

from __future__ import annotations

from configs.grafana.source.pages import FOLDER, texts


def main() -> None:
    """`python -m configs.grafana.source`"""
    made = texts()
    for name, text in made.items():
        new = FOLDER / f".{name}.new"
        new.write_text(text, "utf-8")
        new.replace(FOLDER / name)
    for file in FOLDER.glob("*.json"):
        if file.name not in made:
            file.unlink()


if __name__ == "__main__":
    main()
