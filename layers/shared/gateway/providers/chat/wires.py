"""Loads the code of a provider's wire at its first use, so that a cold start pays for no other wire."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.canonical.codec import UpstreamCodec


@cache
def part(name: str) -> Any:
    """A module below `gateway.protocols`, by its dotted name there."""
    return import_module(f"gateway.protocols.{name}")


def upstream_codec(wire: str) -> UpstreamCodec:
    """The side of a wire that providers speak."""
    codec: UpstreamCodec = part(wire).UPSTREAM
    return codec
