"""The gateway; its version is that of pyproject.toml."""

VERSION = "0.1.0"
