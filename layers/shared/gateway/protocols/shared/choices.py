"""Ends the choices of a stream that is cut short, for the wires whose answers may have several."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gateway.canonical.response import FinishReason


def ends_of_open(choices: int, finished: Collection[int], end_choice: Callable[[int, FinishReason], bytes]) -> bytes:
    """Ends each choice that is not in `finished` with finish reason `length`. `end_choice` may add to `finished`."""
    still_open = [choice for choice in range(choices) if choice not in finished]
    return b"".join([end_choice(choice, FinishReason.LENGTH) for choice in still_open])
