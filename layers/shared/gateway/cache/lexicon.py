"""Reads the word lists beside it: which words mean the same in a question, and which only ever equal themselves.

A list is read at its first use: only a request that is looked up by meaning pays for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec import Struct, field

_FOLDER = Path(__file__).with_name("lexicon")
_IRREGULAR = {
    "bought": "buy", "went": "go", "gone": "go", "made": "make", "wrote": "write", "written": "write", "built": "build",
    "found": "find", "got": "get", "gotten": "get", "sent": "send", "taught": "teach", "thought": "think", "ran": "run",
    "taken": "take", "took": "take", "given": "give", "gave": "give", "began": "begin", "begun": "begin", "won": "win",
    "chose": "choose", "chosen": "choose", "spoke": "speak", "spoken": "speak", "broke": "break", "paid": "pay",
    "sold": "sell", "told": "tell", "kept": "keep", "led": "lead", "met": "meet", "slept": "sleep", "grew": "grow",
    "grown": "grow", "knew": "know", "known": "know", "saw": "see", "seen": "see", "came": "come", "became": "become",
    "drew": "draw", "drawn": "draw", "flew": "fly", "flown": "fly", "drank": "drink", "drunk": "drink", "ate": "eat",
    "eaten": "eat", "died": "die", "dying": "die", "lying": "lie", "children": "child", "people": "person",
    "men": "man", "women": "woman", "feet": "foot", "mice": "mouse", "teeth": "tooth", "geese": "goose",
    "wives": "wife", "lives": "life", "knives": "knife", "leaves": "leaf", "indices": "index", "matrices": "matrix",
    "criteria": "criterion", "phenomena": "phenomenon", "bought_by": "buy", "colour": "color", "conversion": "convert",
    "sung": "sing", "sang": "sing", "fought": "fight", "caught": "catch", "brought": "bring", "held": "hold",
    "stood": "stand", "understood": "understand", "forgot": "forget", "forgotten": "forget", "lent": "lend",
    "stolen": "steal", "stole": "steal", "shown": "show", "fell": "fall", "fallen": "fall", "born": "birth",
    "said": "say", "heard": "hear", "felt": "feel", "spent": "spend", "worn": "wear", "wore": "wear", "swam": "swim",
    "driven": "drive", "drove": "drive", "rose": "rise", "risen": "rise", "froze": "freeze", "frozen": "freeze",
    "hid": "hide", "hidden": "hide", "shook": "shake", "founded": "establish", "better": "good", "worse": "bad",
}  # fmt: skip
_STEM_MIN = 3
_PART = re.compile(r"<[A-Z]+> = ")


class Lexicon(Struct, frozen=True):
    """Word lists of one language. Keys are stems; a phrase is the tuple of its words' stems.

    `groups_of` gives the names of a phrase's groups, and `senses` the senses that a word is often used in. `names`
    gives the name of what a phrase is called by, which has no synonyms; `marks` the meaning of a word of logic.
    `function` are words without meaning, `kinds` the ways in which the language asks, and `longest` is the most words
    of a phrase.
    """

    groups_of: dict[tuple[str, ...], frozenset[str]]
    names: dict[tuple[str, ...], str]
    marks: dict[str, str]
    function: frozenset[str]
    kinds: tuple[tuple[re.Pattern[str], str], ...]
    senses: dict[str, frozenset[int]] = field(default_factory=dict)
    longest: int = 1

    def are_synonyms(self, one: str, other: str) -> bool:
        """True if the words share a frequent sense."""
        found, others = self.senses.get(one), self.senses.get(other)
        return found is not None and others is not None and not found.isdisjoint(others)


@cache
def english() -> Lexicon:
    """The English lists."""
    groups, names = _phrases("english.txt", stem), _phrases("names.txt", stem)
    senses: defaultdict[str, set[int]] = defaultdict(set)
    for number, line in enumerate(_lines("wordnet.txt")):
        for word in line.split():
            senses[stem(word)].add(number)
    longest = max(map(len, [*groups, *names]))
    found = {word: frozenset(numbers) for word, numbers in senses.items()}
    return Lexicon(groups, _first(names), *_words("english"), found, longest)


@cache
def chinese() -> Lexicon:
    """The Chinese lists; a word's key is the word."""
    groups, names = _phrases("chinese.txt"), _phrases("chinese_names.txt")
    return Lexicon(groups, _first(names), *_words("chinese"))


@cache
def stem(word: str) -> str:
    """The form that a word's inflections and plain derivations share."""
    word = _IRREGULAR.get(word, word)
    if len(word) <= _STEM_MIN or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= (4 if len(ending) > 3 else _STEM_MIN):
            word = word[: -len(ending)] + instead
            break
    for ending, instead in (("ing", ""), ("ed", ""), ("ly", "")):
        bare = word.removesuffix(ending)
        if bare != word and len(bare) >= _STEM_MIN and any(letter in "aeiouy" for letter in bare):
            word = bare + instead
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    word = word.replace("isation", "ization").replace("our", "or") if len(word) > 5 else word
    if word.endswith("ll") and len(word) > 4:
        word = word[:-1]
    if word.endswith("is") and len(word) > 5:
        word = f"{word[:-2]}iz"
    if word.endswith("y") and len(word) > _STEM_MIN:
        word = f"{word[:-1]}i"
    return word.removesuffix("e") if len(word) > _STEM_MIN else word


# In this order; the first that fits is cut.
_ENDINGS = (
    ("izations", "iz"), ("isations", "iz"), ("ization", "iz"), ("isation", "iz"), ("ations", "at"), ("ation", "at"),
    ("ments", ""), ("ment", ""), ("ions", ""), ("ion", ""), ("ised", "iz"), ("ising", "iz"), ("ises", "iz"),
    ("ise", "iz"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z"), ("ies", "y"),
    ("ied", "y"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""),
)  # fmt: skip


def _words(language: str) -> tuple[dict[str, str], frozenset[str], tuple[tuple[re.Pattern[str], str], ...]]:
    """The words of logic of a language, its words without meaning, and the ways in which it asks."""
    marks: dict[str, str] = {}
    for line in _lines(f"{language}_marks.txt"):
        mark, _, words = line.partition(": ")
        marks.update(dict.fromkeys(words.split(), mark))
    function = frozenset(word for line in _lines(f"{language}_function.txt") for word in line.split())
    parts: dict[str, str] = {}
    kinds: list[tuple[re.Pattern[str], str]] = []
    for line in _lines(f"{language}_kinds.txt"):
        if _PART.match(line):
            name, _, pattern = line.partition(" = ")
            parts[name] = pattern
            continue
        pattern, _, instead = line.partition(" =>")
        for name, part in parts.items():
            pattern = pattern.replace(name, part)
        kinds.append((re.compile(pattern), instead.removeprefix(" ")))
    return marks, function, tuple(kinds)


def _phrases(name: str, key: Callable[[str], str] = str) -> dict[tuple[str, ...], frozenset[str]]:
    """The names of the groups of each phrase of a list. A group is named by its line's first phrase."""
    found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for line in _lines(name):
        first, *_ = phrases = line.split()
        for phrase in phrases:
            found[tuple(key(word) for word in phrase.split("_"))].add(first)
    return {phrase: frozenset(groups) for phrase, groups in found.items()}


def _first(phrases: dict[tuple[str, ...], frozenset[str]]) -> dict[tuple[str, ...], str]:
    return {phrase: min(groups) for phrase, groups in phrases.items()}


def _lines(name: str) -> list[str]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ") and line != "#"]
