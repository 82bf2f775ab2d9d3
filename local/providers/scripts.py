"""Reads the script of a scenario: what a simulated model does in each round of a conversation with tools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson

from local.providers.faults import UnknownWord
from local.providers.json_value import JsonValue


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """One call, its arguments as the text that the model writes."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the model: what it says, and the tools that it calls."""

    text: str
    calls: tuple[ScriptedCall, ...]


def turn(script: str | None, round_number: int) -> Turn | None:
    """The turn of a round, the last one from there on; `None` without a script."""
    if script is None:
        return None
    turns = _turns(script)
    return turns[min(round_number, len(turns) - 1)]


@lru_cache(maxsize=64)
def _turns(script: str) -> tuple[Turn, ...]:
    try:
        given = orjson.loads(script)
    except orjson.JSONDecodeError as error:
        raise UnknownWord(f"the simulator word script wants JSON: {error}") from None
    if not isinstance(given, list) or not given:
        raise UnknownWord("the simulator word script wants a list of turns")
    return tuple(map(_turn, given))


def _turn(given: JsonValue) -> Turn:
    if not isinstance(given, dict) or set(given) - {"say", "call", "with", "calls"}:
        raise UnknownWord(f"a turn of a script has say, call, with or calls, not {given!r}")
    calls = given.get("calls", [given] if "call" in given else [])
    return Turn(str(given.get("say", "")), tuple(_call(call) for call in calls))


def _call(given: JsonValue) -> ScriptedCall:
    arguments = given.get("with", {})
    # A text is what the model writes to the letter, JSON or not.
    return ScriptedCall(given["call"], arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode())
