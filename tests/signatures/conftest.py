"""The real stores, each started once for the session."""

from tests.stores.conftest import client, clock

__all__ = ["client", "clock"]
