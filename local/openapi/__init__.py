"""Writes the OpenAPI document of the whole API from the tables that serve it (docs/adr/0055-one-source.md)."""
