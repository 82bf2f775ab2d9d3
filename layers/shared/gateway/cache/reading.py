"""Values for what a question says, as far as two questions can be told apart by their words.

`english.py` and `chinese.py` make it of a text; `gates.py` compares two.
"""

from __future__ import annotations

import re

from msgspec import Struct

# A text of more characters is not looked up by meaning: word lists say too little of it.
CHARACTERS_MAX = 600

# The punctuation of prose says nothing: after a word, beside a Chinese character, around a remark, within a word,
# or between blanks. Any other sign is what a question about code, mathematics or emoji is about.
_PROSE = re.compile(
    r"(?<=[\w)\]}%°'])(?<!\b\w(?=[?!] ))[.,;:?!\u2026]+(?=\s|$)|(?<=[㐀-鿿])[.,;:?!\u2026\u3001\u3002]+|"
    r"[,;:?!\u2026\u3001\u3002]+(?=[㐀-鿿])|(?<![^\s㐀-鿿])\((?=\w)|(?<=\w)\)(?=[\s㐀-鿿.,;:?!]|$)|"
    r"(?<=\w)[.'\u2019/-](?=\w)|(?<=\d),(?=\d{3}(?!\d))|(?<=\d)\.(?=\d)|(?<=\s)[-\u2013\u2014]+(?=\s)|"
    r"'(?!\()|[\"\u2018\u2019\u201c\u201d]"
)
_SIGN = re.compile(r"[^\w\s]|_")
# These are read with the numbers and the units.
_READ_ELSEWHERE = frozenset("$€£¥%°+*/=<>^&|~")
# What a request has worked on: the text behind its colon, or the one word whose meaning it asks for.
_GIVEN = re.compile(
    r"^\W*(?:(?:please|can you|could you|now) )*(?:translate|summari[sz]e|classify|rewrite|rephrase|paraphrase|fix|"
    r"correct|proofread|edit|improve|simplify|shorten|continue|complete|count|spell|label|rate|judge|parse|extract|"
    r"convert|format|analy[sz]e|transcribe|grade|say|repeat|answer|reply|respond)\b[^:]*:\s+(.+)|"
    r"\bwhat does (\w+) mean\b|\bmeaning of (?:the word )?(\w+)(?=\W*$| in\b)|"
    r"^[^:\uff1a]*(?:翻译|译成|总结|概括|归纳|改写|润色|改成|纠正|修改|修正|校对|分类|判断|续写|扩写|缩写|提取|分析|"
    r"回答|重复|朗读)[^:\uff1a]*[:\uff1a]\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
# What makes a question one about words themselves: no other word stands for them.
_ABOUT_WORDS = re.compile(
    r"\b(?:synonyms?|antonyms?|opposites?|rhym\w+|spell\w*|pronounc\w+|pronunciation|etymology|syllables?|letters?|"
    r"plurals?|singular|tenses?|verbs?|nouns?|adjectives?|adverbs?|grammar|grammatical\w*|punctuation|anagrams?|prefix|"
    r"suffix|vowels?|consonants?|conjugat\w+|participle|palindromes?|words?|translat\w+|difference between)\b|"
    r"^(?:define|definition of)\b|近义词|反义词|同义词|拼音|笔画|几画|多少画|偏旁|部首|声调|读音|怎么读|怎么写|怎么念|"
    r"押韵|成语|词性|造句|翻译|组词",
    re.IGNORECASE,
)


class Term(Struct, frozen=True):
    """A word that carries meaning: its stem, and the names of its groups or of what it names.

    An exact term has no synonyms. `follows` says how it is tied to the term before it: "beside" it, or by "of"; empty
    where other words are between them. `direction` is that of its preposition, `word` is as it was written, and `mark`
    is the word of logic before it: the "last" of "the last month".
    """

    stem: str
    groups: frozenset[str] = frozenset()
    exact: bool = False
    follows: str = ""
    direction: str = ""
    word: str = ""
    mark: str = ""


class Reading(Struct, frozen=True):
    """One question. `quoted` is what has to be equal to the letter, and `marks` are the words of logic: negation,
    quantity, order in time. `detail` narrows the kind of the question: the year of a "when". `signs` are its signs that
    are no punctuation, `persons` its pronouns in their order, and a `literal` question is about words themselves.

    `fronts` is true of a sentence that begins with where, when or in what, `turns` of a passive or possessive one, and
    `compares` of one whose two sides may change places.
    """

    language: str
    kind: str = ""
    detail: str = ""
    tense: str = ""
    owner: str = ""
    negations: int = 0
    asked: str = ""
    numbers: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    literal: bool = False
    terms: tuple[Term, ...] = ()
    fronts: bool = False
    turns: bool = False
    compares: bool = False


def signs_in(plain: str) -> tuple[str, ...]:
    """The signs of a text without its quotations that are no punctuation of prose, in their order."""
    return tuple(sign for sign in _SIGN.findall(_PROSE.sub(" ", plain)) if sign not in _READ_ELSEWHERE)


def given_in(text: str) -> str:
    """The text that a request gives to be translated, summed up or judged; empty where it gives none."""
    found = _GIVEN.search(text)
    return next(filter(None, found.groups()), "").strip().casefold() if found else ""


def is_about_words(text: str) -> bool:
    """True of a question whose words stand for themselves: its synonyms are other questions."""
    return _ABOUT_WORDS.search(text) is not None
