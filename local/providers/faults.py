"""Parses the words that ask for a fault, in a prompt or in the control API. They are the same on every wire.

A directive in the last user message, `[[sim: status=429 retry_after=2 times=2 id=a]]`, or the same words as a
JSON object sent to the control API. README.md beside this file lists the words. An unknown word is
an error: a test that misspells a fault must not pass.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import get_type_hints

from local.providers.json_value import Json, JsonValue

_DIRECTIVE = re.compile(r"\[\[\s*sim:(.*?)\]\]", re.DOTALL)
_WORD = re.compile(r"([a-z_0-9]+)(?:=('[^']*'|\"[^\"]*\"|\S+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """The requested faults and the requested shape of the answer. Without words it asks for neither."""

    # The requests that it applies to, and how many of their tries.
    provider: str | None = None
    model: str | None = None
    about: str | None = None
    times: int | None = None
    id: str | None = None
    # Before the answer.
    status: int | None = None
    code: str | None = None
    retry_after: str | None = None
    garbage: bool = False
    delay_ms: int = 0
    hang_ms: int | None = None
    # While the answer is sent.
    first_token_delay_ms: int = 0
    chunk_ms: int = 0
    cut_after: int | None = None
    stall_after: int | None = None
    garbage_after: int | None = None
    error_after: int | None = None
    comments: bool = False
    no_done: bool = False
    # The shape of the answer.
    tokens: int | None = None
    chunks: int | None = None
    calls: int | None = None
    rounds: int | None = None
    tool: str | None = None
    arguments: str | None = None
    text: str | None = None
    script: str | None = None
    no_tool: bool = False
    refuse: bool = False
    redacted: bool = False
    odd: str | None = None
    searches: int | None = None
    # The outcome of a media task.
    media_s: float | None = None
    media_fail: str | None = None
    media_late: bool = False
    media_lost: bool = False
    media_poll_errors: int | None = None
    media_submit_errors: int | None = None
    media_callback: int | None = None
    media_cut: int | None = None
    media_bytes: int | None = None
    # The reported usage.
    no_usage: bool = False
    prompt_tokens: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None

    def words(self) -> Json:
        """Returns the given words with their values."""
        return {name: getattr(self, name) for name, default in _DEFAULTS.items() if getattr(self, name) != default}


class UnknownWord(ValueError):
    """A directive contains a word that this simulator does not know."""


_HINTS: Json = get_type_hints(Fault)
_DEFAULTS: Json = {member.name: member.default for member in fields(Fault)}


def parse(words: Mapping[str, JsonValue]) -> Fault:
    """Builds a fault from words and their values, each value a string, an integer or true."""
    unknown = sorted(set(words) - set(_DEFAULTS))
    if unknown:
        raise UnknownWord(f"unknown simulator words: {', '.join(unknown)}")
    return Fault(**{name: _value(name, value) for name, value in words.items()})


def _value(name: str, value: JsonValue) -> JsonValue:
    hint = _HINTS[name]
    if hint is bool:
        return _flag(name, value)
    if hint in {str, str | None}:
        return _unquoted(str(value))
    number = float if hint == float | None else int
    try:
        return number(value)
    except (TypeError, ValueError):
        kind = "a number" if number is float else "an integer"
        raise UnknownWord(f"the simulator word {name} wants {kind}, not {value!r}") from None


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _flag(name: str, value: JsonValue) -> bool:
    if value in {True, "true", "1"}:
        return True
    if value in {False, "false", "0"}:
        return False
    raise UnknownWord(f"the simulator word {name} takes no value, not {value!r}")


def directives(text: str) -> list[Fault]:
    """Finds every directive of a prompt, in order."""
    found = (_WORD.findall(inside) for inside in _DIRECTIVE.findall(text))
    return [parse({name: value or True for name, value in words}) for words in found]


def without_directives(text: str) -> str:
    """Removes the directives from a prompt."""
    return _DIRECTIVE.sub("", text).strip()


def merged(faults: Iterable[Fault]) -> Fault:
    """Merges several faults into one. If two set the same word, the later one decides."""
    words: Json = {}
    for fault in faults:
        words |= fault.words()
    return Fault(**words)


@dataclass(slots=True)
class Injection:
    """A fault that the control API added: its requests, and for how many more of them (None: until cleared)."""

    contains: str
    fault: Fault
    times: int | None

    def matches(self, raw: bytes) -> bool:
        """True if the request body contains the text that the fault is for."""
        return self.contains.encode() in raw


class FaultRegistry:
    """Decides which faults a request meets, and counts tries. It holds the only state of this module."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []
        self._tries: dict[str, int] = {}

    def inject(self, match: Mapping[str, JsonValue], words: Mapping[str, JsonValue], times: int | None) -> None:
        """Adds a fault for requests that match: `contains` in the body, `provider` row, part of `model`."""
        unknown = sorted(set(match) - {"contains", "model", "provider"})
        if unknown:
            raise UnknownWord(f"unknown match members: {', '.join(unknown)}")
        selectors = {name: match[name] for name in ("provider", "model") if name in match}
        self._injections.append(Injection(str(match.get("contains", "")), parse({**words, **selectors}), times))

    def clear(self) -> None:
        """Removes every injected fault and every count of tries."""
        self._injections.clear()
        self._tries.clear()

    def fault_for(self, row: str, model: str, raw: bytes, prompt: str) -> Fault:
        """Returns the fault of this request. Each call counts as one try."""
        asked = [fault for fault in directives(prompt) if _is_for(fault, row, model, raw) and self._try(fault, raw)]
        return merged([*self._injected(row, model, raw), *asked])

    def _try(self, fault: Fault, raw: bytes) -> bool:
        if fault.times is None:
            return True
        key = fault.id or hashlib.sha256(raw).hexdigest()
        self._tries[key] = self._tries.get(key, 0) + 1
        return self._tries[key] <= fault.times

    def _injected(self, row: str, model: str, raw: bytes) -> list[Fault]:
        met = [i for i in self._injections if i.matches(raw) and _is_for(i.fault, row, model, raw)]
        for injection in met:
            injection.times = None if injection.times is None else injection.times - 1
        self._injections = [i for i in self._injections if i.times is None or i.times > 0]
        return [injection.fault for injection in met]


def _is_for(fault: Fault, row: str, model: str, raw: bytes) -> bool:
    """True if the fault is for the row, the model and the body; its text is looked for outside of directives."""
    if fault.provider not in {None, row} or (fault.model is not None and fault.model not in model):
        return False
    return fault.about is None or fault.about in _DIRECTIVE.sub("", raw.decode(errors="replace"))
