"""Values for what a question says, as far as two questions can be told apart by their words.

`english.py` and `chinese.py` make it of a text; `gates.py` compares two.
"""

from __future__ import annotations

from msgspec import Struct

# A text of more characters is not looked up by meaning: word lists say too little of it.
CHARACTERS_MAX = 600


class Term(Struct, frozen=True):
    """A word that carries meaning: its stem, and the names of its groups or of what it names.

    An exact term has no synonyms. `follows` is true where nothing but "of" is between it and the term before it, and
    `direction` is that of its preposition.
    """

    stem: str
    groups: frozenset[str] = frozenset()
    exact: bool = False
    follows: bool = False
    direction: str = ""


class Reading(Struct, frozen=True):
    """One question. `quoted` is what has to be equal to the letter, and `marks` are the words of logic: negation,
    quantity, order in time. `detail` narrows the kind of the question: the year of a "when".

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
    terms: tuple[Term, ...] = ()
    fronts: bool = False
    turns: bool = False
    compares: bool = False
