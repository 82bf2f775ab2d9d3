"""Composes the answer of a simulated model from a question that is independent of any wire.

The answer to the same question is always the same. A model given tools calls them when the last message is
the user's and answers with text when it is a tool's. It calls every tool that the user names, else the first.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from local.providers import schemas, scripts, tokens
from local.providers.faults import Fault, without_directives
from local.providers.json_value import Json

_CLOSINGS = (
    "This is a simulated answer: the same question always gets the same one.",
    "I am a stand-in for the real model, so I keep to what you wrote and add nothing of my own.",
    "Nothing was sent anywhere to write this; it was made on your own machine.",
    "Set the provider's key to hear the real model instead of this quiet echo.",
)
_QUOTE_MAX = 160


class Ended(enum.Enum):
    """The reason why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    STOP_SEQUENCE = "stop_sequence"
    CALLS = "calls"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call. `schema` is None if its input is free text."""

    name: str
    schema: Json | None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Says whether tools may, must or must not be called, and which of them. None means any."""

    mode: str = "auto"
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A question to a simulated model, independent of any wire.

    `question` is the last user text, `results` the tool results after it, `rounds_done` the number of tool rounds
    since then. `schema` is the requested structured output. `max_tokens` limits reasoning and answer together.
    `announces_calls` is set for models that write a text before their tool calls.
    """

    model: str
    question: str
    results: tuple[str, ...] = ()
    rounds_done: int = 0
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    parallel: bool = True
    schema: Json | None = None
    media: tuple[str, ...] = ()
    reasoning_tokens: int = 0
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    variant: int = 0
    announces_calls: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call with its arguments as text, which is JSON unless the tool takes free text or was cut short."""

    name: str
    arguments: str

    def token_count(self) -> int:
        """Counts the tokens of the call."""
        return tokens.count(self.name) + tokens.count(self.arguments)


@dataclass(frozen=True, slots=True)
class Draft:
    """The model's output: thinking, text, calls, and the reason why it stopped."""

    reasoning: str
    text: str
    calls: tuple[ToolCall, ...]
    ended: Ended
    stop_sequence: str | None = None
    reasoning_tokens: int = 0

    def output_tokens(self) -> int:
        """Counts all generated tokens, thinking included."""
        return self.reasoning_tokens + tokens.count(self.text) + sum(c.token_count() for c in self.calls)


def compose(ask: ModelRequest, shape: Fault) -> Draft:
    """Composes the model's answer, with stop sequences and the token limit applied as a real model would."""
    wanted = ask.reasoning_tokens if shape.reasoning is None else shape.reasoning
    draft = _compose(ask, shape, wanted)
    return _limited(_stopped(draft, ask.stops), ask.max_tokens)


def _compose(ask: ModelRequest, shape: Fault, reasoning_tokens: int) -> Draft:
    reasoning = tokens.thoughts(reasoning_tokens)
    if shape.refuse:
        text = "I'm sorry, but I can't help with that."
        return Draft(reasoning, text, (), Ended.REFUSED, reasoning_tokens=reasoning_tokens)
    turn = scripts.turn(shape.script, ask.rounds_done)
    if turn is not None and turn.calls and ask.tools and ask.choice.mode != "none":
        calls = tuple(ToolCall(call.name, call.arguments) for call in turn.calls)
        return Draft(reasoning, turn.text, calls, Ended.CALLS, reasoning_tokens=reasoning_tokens)
    if turn is not None and not turn.calls:
        return Draft(reasoning, turn.text, (), Ended.STOP, reasoning_tokens=reasoning_tokens)
    if _calls_wanted(ask, shape):
        question = without_directives(ask.question)
        calls = tuple(_call(tool, question, shape.arguments) for tool in _chosen(ask, shape))
        text = f"I'll call {', '.join(call.name for call in calls)}." if ask.announces_calls else ""
        return Draft(reasoning, text, calls, Ended.CALLS, reasoning_tokens=reasoning_tokens)
    return Draft(reasoning, _text(ask, shape), (), Ended.STOP, reasoning_tokens=reasoning_tokens)


def _calls_wanted(ask: ModelRequest, shape: Fault) -> bool:
    if not ask.tools or ask.choice.mode == "none" or shape.no_tool:
        return False
    rounds = 1 if shape.rounds is None else shape.rounds
    must = ask.choice.mode == "required" and not ask.results
    return must or ask.rounds_done < rounds


def _chosen(ask: ModelRequest, shape: Fault) -> list[Tool]:
    allowed = ask.choice.names
    open_tools = [tool for tool in ask.tools if allowed is None or tool.name in allowed] or list(ask.tools)
    if shape.tool is not None:
        open_tools = [tool for tool in ask.tools if tool.name == shape.tool] or open_tools
    if shape.calls is not None:
        return [open_tools[i % len(open_tools)] for i in range(shape.calls)]
    named = _named(open_tools, ask.question, _plain) or _named(open_tools, ask.question, _last_word)
    return (named if ask.parallel else named[:1]) or open_tools[:1]


def _named(tools: Sequence[Tool], question: str, called: Callable[[str], str]) -> list[Tool]:
    text = f" {_plain(question)} "
    return [tool for tool in tools if f" {called(tool.name)} " in text]


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def _last_word(name: str) -> str:
    return _plain(name).rpartition(" ")[2]


def _call(tool: Tool, question: str, arguments: str | None) -> ToolCall:
    if arguments is not None:
        return ToolCall(tool.name, arguments)
    if tool.schema is None:
        return ToolCall(tool.name, question)
    return ToolCall(tool.name, orjson.dumps(schemas.instance(tool.schema, question)).decode())


def _text(ask: ModelRequest, shape: Fault) -> str:
    if shape.text is not None:
        return shape.text
    length = shape.chunks if shape.tokens is None else shape.tokens
    if length is not None:
        return tokens.filler(length)
    question = without_directives(ask.question)
    if ask.schema is not None:
        return orjson.dumps(schemas.instance(ask.schema, question)).decode()
    return " ".join(filter(None, (_variant(ask), _spoken_answer(ask, question), _closing(question))))


def _variant(ask: ModelRequest) -> str:
    return f"(Choice {ask.variant + 1}.)" if ask.variant else ""


def _spoken_answer(ask: ModelRequest, question: str) -> str:
    seen = f"I can see {_counted(ask.media)}. " if ask.media else ""
    if ask.results:
        said = "; ".join(_quoted(result) for result in ask.results)
        return f"{seen}The tool answered {said}, which settles your question {_quoted(question)}."
    if not question:
        return f"{seen}Hello! I am {ask.model}, simulated."
    return f"{seen}You asked {_quoted(question)}, and {ask.model} heard you."


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line if len(line) <= _QUOTE_MAX else line[: _QUOTE_MAX - 3] + "..."}"'


def _counted(media: Sequence[str]) -> str:
    kinds = {kind: media.count(kind) for kind in dict.fromkeys(media)}
    return " and ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in kinds.items())


def _closing(question: str) -> str:
    digest = hashlib.sha256(question.encode()).digest()
    return _CLOSINGS[digest[0] % len(_CLOSINGS)]


def _stopped(draft: Draft, stops: Sequence[str]) -> Draft:
    found = [(draft.text.index(stop), stop) for stop in stops if stop and stop in draft.text]
    if not found:
        return draft
    at, stop = min(found)
    return replace(draft, text=draft.text[:at], ended=Ended.STOP_SEQUENCE, stop_sequence=stop)


def _limited(draft: Draft, max_tokens: int | None) -> Draft:
    if max_tokens is None or draft.output_tokens() <= max_tokens:
        return draft
    reasoning_tokens = min(draft.reasoning_tokens, max_tokens)
    left = max_tokens - reasoning_tokens
    text_pieces = tokens.split(draft.text)[:left]
    return Draft(
        reasoning="".join(tokens.split(draft.reasoning)[:reasoning_tokens]),
        text="".join(text_pieces),
        calls=_calls_within(draft.calls, left - len(text_pieces)),
        ended=Ended.LENGTH,
        reasoning_tokens=reasoning_tokens,
    )


def _calls_within(calls: Sequence[ToolCall], left: int) -> tuple[ToolCall, ...]:
    kept: list[ToolCall] = []
    for call in calls:
        room = left - tokens.count(call.name)
        if room < 1:
            break
        arguments = "".join(tokens.split(call.arguments)[:room])
        kept.append(ToolCall(call.name, arguments))
        left -= kept[-1].token_count()
    return tuple(kept)
