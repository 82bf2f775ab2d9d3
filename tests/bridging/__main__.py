"""Rewrites the tables of docs/bridging.md (`python -m tests.bridging`)."""

from tests.bridging.tables import DOCUMENT, document

DOCUMENT.write_text(document())
