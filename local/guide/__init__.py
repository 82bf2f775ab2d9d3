"""Builds the documents for users: `docs/guide/` and the OpenAPI document, as pages of `/docs`."""
