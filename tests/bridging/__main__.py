"""`python -m tests.bridging` writes the tables of docs/bridging.md anew."""

from tests.bridging.tables import DOCUMENT, document

DOCUMENT.write_text(document())
