"""Defines the content of an answer as an SDK's user sees it, in no wire's dialect, so that two SDKs can be compared.

Words that wires spell differently (`finish`) stay as the wire spells them; `mappings` translates them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

# Errors that an SDK raises from below when it reads unexpected bytes.
STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One tool call. `arguments` is the parsed JSON, or the text if it is not JSON. A `custom` call has free text."""

    name: str
    arguments: Any
    id: str | None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceSeen:
    """One alternative. All texts of one kind are joined, since wires cut them differently."""

    text: str = ""
    refusal: str = ""
    thinking: str = ""
    calls: tuple[CallSeen, ...] = ()
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """The token counts. `prompt` is the whole prompt, cache included; `output` is all output, thinking included."""

    prompt: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A whole reading. `error` is the name of the SDK's error class, raised after the rest was read."""

    choices: tuple[ChoiceSeen, ...] = ()
    usage: UsageSeen | None = None
    error: str | None = None
    status: int | None = None


class Reader(Protocol):
    """An official SDK that asks one question and reports the answer."""

    def answer(self) -> Seen:
        """Reads a whole answer."""

    def stream(self) -> Seen:
        """Reads a stream, event by event."""

    def snapshot(self) -> Seen | None:
        """Reads a stream through the SDK's own summing class, or returns None if the SDK has none."""

    def close(self) -> None:
        """Ends the SDK's connections."""


@dataclass(slots=True)
class CallDraft:
    """A call while its arguments arrive."""

    name: str
    id: str | None
    text: str = ""
    custom: bool = False

    def seen(self) -> CallSeen:
        return CallSeen(self.name, self.text if self.custom else parsed(self.text), self.id, self.custom)


@dataclass(slots=True)
class ChoiceDraft:
    """A choice while it arrives."""

    calls: list[CallDraft]
    text: str = ""
    refusal: str = ""
    thinking: str = ""
    finish: str | None = None

    def seen(self) -> ChoiceSeen:
        calls = tuple(call.seen() for call in self.calls)
        return ChoiceSeen(self.text, self.refusal, self.thinking, calls, self.finish)


def parsed(text: str) -> Any:
    """Parses a call's arguments as every caller does: no text is an empty object, other text than JSON stays text."""
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return text


def reading(read: Callable[[], Seen], raises: type[Exception]) -> Seen:
    """Returns the reading of a whole answer, or the error in its place."""
    try:
        return read()
    except (raises, *STUMBLES) as error:
        return Seen(error=named(error), status=getattr(error, "status_code", getattr(error, "code", None)))


def named(error: Exception) -> str:
    """Names an SDK's own error by its class, and an error from below by itself."""
    return f"stumbled: {error!r}"[:300] if isinstance(error, STUMBLES) else type(error).__name__
