"""Spells a body of OpenAI's chat wire as Mistral does, which refuses every member that it does not know.

https://docs.mistral.ai/api/endpoint/chat: a seed is a `random_seed`. A stream counts its tokens without being asked.
"""

from __future__ import annotations

_SEED, _SEED_HERE = "seed", "random_seed"
_LEFT_OUT = frozenset({_SEED, "stream_options"})


def body(written: bytes) -> bytes:
    """The body in Mistral's spelling; a seed that is spelled so already stays."""
    from gateway.framing.json_edit import edit, members  # noqa: PLC0415  # the rows are read where no body is edited

    found = members(written)
    if _LEFT_OUT.isdisjoint(found):
        return written
    put = {_SEED_HERE: found[_SEED]} if _SEED in found and _SEED_HERE not in found else {}
    return edit(written, put, _LEFT_OUT)
