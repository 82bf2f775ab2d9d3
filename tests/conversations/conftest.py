"""Real stores, started once for the folder."""

from tests.stores.conftest import client, clock

__all__ = ["client", "clock"]
