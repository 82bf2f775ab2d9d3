"""Law: what an SDK's user sees of an answer, in no wire's dialect, so that what two SDKs read can be compared.

Words that wires spell differently (`finish`) stay as the wire spells them; `mappings` knows what each means on another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

# What an SDK raises that is none of its own errors, where it meets bytes that it did not expect.
STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One tool call; `arguments` is the parsed JSON, or the text where it is none. `custom` is one with free text."""

    name: str
    arguments: Any
    id: str | None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceSeen:
    """One alternative; all texts of one kind are joined, since wires cut them differently."""

    text: str = ""
    refusal: str = ""
    thinking: str = ""
    calls: tuple[CallSeen, ...] = ()
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """Tokens. `prompt` is the whole prompt, cache included, `output` all that was generated, thinking included."""

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
    """A whole reading; `error` is the name of the error class that the SDK raised, after what came before it."""

    choices: tuple[ChoiceSeen, ...] = ()
    usage: UsageSeen | None = None
    error: str | None = None
    status: int | None = None


class Reader(Protocol):
    """An official SDK that asks one question and tells what it read."""

    def answer(self) -> Seen:
        """A whole answer."""

    def stream(self) -> Seen:
        """A stream, event by event."""

    def snapshot(self) -> Seen | None:
        """A stream through the SDK's own streaming class, as it sums up; `None` where the SDK has none."""

    def close(self) -> None:
        """Ends the SDK's connections."""


@dataclass(slots=True)
class CallDraft:
    """A call while its arguments come in."""

    name: str
    id: str | None
    text: str = ""
    custom: bool = False

    def seen(self) -> CallSeen:
        return CallSeen(self.name, self.text if self.custom else parsed(self.text), self.id, self.custom)


@dataclass(slots=True)
class ChoiceDraft:
    """A choice while it comes in."""

    calls: list[CallDraft]
    text: str = ""
    refusal: str = ""
    thinking: str = ""
    finish: str | None = None

    def seen(self) -> ChoiceSeen:
        calls = tuple(call.seen() for call in self.calls)
        return ChoiceSeen(self.text, self.refusal, self.thinking, calls, self.finish)


def parsed(text: str) -> Any:
    """A call's arguments as every caller parses them: nothing is an empty object, no JSON stays text."""
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return text


def reading(read: Callable[[], Seen], raises: type[Exception]) -> Seen:
    """What `read` saw of a whole answer, or the error in its place."""
    try:
        return read()
    except (raises, *STUMBLES) as error:
        return Seen(error=named(error), status=getattr(error, "status_code", getattr(error, "code", None)))


def named(error: Exception) -> str:
    """An error of the SDK's own by its class; its stumbling over bytes as it is."""
    return f"stumbled: {error!r}"[:300] if isinstance(error, STUMBLES) else type(error).__name__
