"""Grades a request: how good a model it needs, by features that cost microseconds. Pure (docs/adr/0028-grading.md).

The prompt's language model is a table: words of kinds, the length, symbols, and what else the request asks for, each
with a weight (`routing/grading_words.py`). Nothing of the prompt is kept; a grade holds numbers and names of features.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import log2, sqrt

from msgspec import Struct

from gateway.canonical.parts import Audio, Document, Image, Text, ToolCall, all_parts
from gateway.canonical.request import ChatRequest
from gateway.routing.grading_words import (
    CHINESE,
    PHRASES,
    QUALITIES,
    STEM_LETTERS,
    STEMS,
    STEP,
    WEIGHTS,
)
from gateway.routing.needs import reasons

# What is read of a long message: how it begins and how it ends.
HEAD_CHARACTERS, TAIL_CHARACTERS = 900, 300
_WORD = re.compile(r"[a-z][a-z;'-]*")
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]")
_NUMBER = re.compile(r"\d+")
# Counted one by one, which is several times faster than one pattern of them all.
_CODE_MARKS = (
    "`",
    "{",
    "};",
    ";\n",
    "()",
    "(self",
    "=>",
    "==",
    "!=",
    "</",
    "#include",
    "def ",
    "select ",
    "[i]",
    "import ",
)
_MATH_MARKS = (
    "^",
    "\\",
    "∫",
    "∑",
    "√",
    "≤",
    "≥",
    "≠",
    "∈",
    "∞",
    "π",
    "(x)",
    "(n)",
    "x_",
    " * ",
    " + ",
    "%",
    " = ",
)
_ENDS = (". ", "? ", "! ", "\n", ": ", "。", "？", "；", "，")
_LONG_WORD = re.compile(r"[a-z]{9,}")
_ASKS = re.compile(r"[?？]")
_ENDING_CHINESE = re.compile(r"(哪|谁|什么|多少|几|多高|多远|多大|吗)[^，。？]{0,6}[？?]?\s*$")
_OPENING = re.compile(r"\s*(what|who|when|where|which|is|are|how (?:many|much|old|far|long|do you say))\b")
# A character of Chinese says about as much as these letters.
_LETTERS_A_CHARACTER = 3
_COUNTED_MOST = 4

# Kinds of words by which a prompt sets work.
_WORK = ("code", "math", "hard", "proof", "logic", "reasoning", "making", "doing", "abstract")
# What a request is about, by the feature that says so; the first one of most weight.
_INTENTS = {"code": "code", "math": "math", "simple": "short task", "making": "writing", "reasoning": "reasoning"}


class Grade(Struct, frozen=True):
    """The quality that a request needs, from 0 to 100, with the class that says so and the features behind it."""

    quality: int
    difficulty: str
    intent: str
    score: float
    features: Mapping[str, float]


def grade(request: ChatRequest) -> Grade:
    """The request's grade."""
    found = features(request)
    score = sum(WEIGHTS.get(name, 0.0) * value for name, value in found.items())
    difficulty = "easy" if score < 0 else "medium" if score < STEP else "hard"
    return Grade(QUALITIES[difficulty], difficulty, _intent(found, request), round(score, 2), found)


def features(request: ChatRequest) -> dict[str, float]:
    """The request's features, each about from 0 to 1."""
    task = _task(request)
    shown = task if len(task) <= HEAD_CHARACTERS + TAIL_CHARACTERS else task[:HEAD_CHARACTERS] + task[-TAIL_CHARACTERS:]
    found = _of_words(shown.lower())
    found |= _of_form(task, shown.lower())
    found |= _of_request(request, task)
    return {name: value for name, value in found.items() if value}


def _task(request: ChatRequest) -> str:
    """The text of the last turn in which the caller's user says something."""
    for message in reversed(request.messages):
        if message.role == "user":
            said = "\n".join(part.text for part in message.parts if isinstance(part, Text))
            if said:
                return said
    return ""


def _of_words(text: str) -> dict[str, float]:
    known = {word[:STEM_LETTERS] for word in _WORD.findall(text)}
    counts = {kind: len(known & stems) for kind, stems in STEMS.items()}
    for kind, phrases in PHRASES.items():
        counts[kind] += sum(phrase in text for phrase in phrases)
    if not text.isascii() and _CJK.search(text):
        for kind, phrases in CHINESE.items():
            counts[kind] += sum(phrase in text for phrase in phrases)
    plain = not any(counts[kind] for kind in _WORK)
    return {kind: _upto_one(count) for kind, count in counts.items()} | {"plain": float(plain)}


def _count(marks: Iterable[str], text: str) -> int:
    return sum(map(text.count, marks))


def _upto_one(count: int, most: int = _COUNTED_MOST) -> float:
    """A count as a share of as many as make a difference; the first counts most."""
    return sqrt(min(count, most) / most)


def _of_form(task: str, shown: str) -> dict[str, float]:
    wide = 0 if shown.isascii() else len(_CJK.findall(shown))
    letters = len(task) + (_LETTERS_A_CHARACTER - 1) * wide
    return {
        "constant": 1.0,
        "length": min(1.0, log2(1 + letters / 40) / 6),
        "short": float(letters < 40),
        "sentences": _upto_one(_count(_ENDS, shown) // 2, 8),
        "code_marks": _upto_one(_count(_CODE_MARKS, shown)),
        "math_marks": _upto_one(_count(_MATH_MARKS, shown)),
        "numbers": _upto_one(len(_NUMBER.findall(shown)), 6),
        "fact_question": float(letters < 90 and bool(_OPENING.match(shown) or _ENDING_CHINESE.search(shown))),
        "word_problem": float(len(_NUMBER.findall(shown)) > 1 and letters > 60 and _ASKS.search(shown) is not None),
        "long_words": _upto_one(len(set(_LONG_WORD.findall(shown))), 8),
        "quoted": float(any(mark in shown for mark in ('"', "“", "「", "：")) and letters < 600),
        "chinese": float(wide * 4 > len(shown)),
    }


def _of_request(request: ChatRequest, task: str) -> dict[str, float]:
    parts = list(all_parts(request.messages))
    context = max(0, len(request.source) - len(task.encode()))
    return {
        "tools": _upto_one(sum(tool.builtin is None for tool in request.tools)),
        "tool_turns": _upto_one(sum(isinstance(part, ToolCall) for part in parts)),
        "structured": float(request.output_format is not None and request.output_format.kind != "text"),
        "media": float(any(isinstance(part, Image | Document | Audio) for part in parts)),
        "turns": _upto_one(max(0, len(request.messages) - 2) // 2, 8),
        "context": min(1.0, max(0.0, log2(1 + context / 1_000) / 8)),
        "asks_reasoning": float(reasons(request)),
    }


def _intent(found: Mapping[str, float], request: ChatRequest) -> str:
    if request.tools:
        return "tool use"
    told = [(value, name) for name, value in found.items() if name in _INTENTS]
    return _INTENTS[_first_of_most(told)] if told else "conversation"


def _first_of_most(told: Iterable[tuple[float, str]]) -> str:
    order = list(_INTENTS)
    return max(told, key=lambda pair: (pair[0], -order.index(pair[1])))[1]
