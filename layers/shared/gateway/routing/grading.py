"""Grades requests."""

from __future__ import annotations

from msgspec import Struct

from gateway.canonical.request import ChatRequest


class Grade(Struct, frozen=True):
    """The needs of a request."""

    quality: int


def grade(request: ChatRequest) -> Grade:
    """The grade."""
    del request
    return Grade(50)
