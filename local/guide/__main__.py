"""Writes the pages of `/docs` where they are served: `make docs`."""

from __future__ import annotations

from local.guide.pages import FOLDER, pages


def main() -> None:
    """Writes every page, and removes those whose source is gone."""
    made = pages()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        if old.name not in made:
            old.unlink()
    for name, html in made.items():
        (FOLDER / name).write_text(html)


if __name__ == "__main__":
    main()
