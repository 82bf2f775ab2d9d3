"""Says why two questions must not share an answer: the gates between a near vector and a hit.

A vector tells what a text is about, not what it asks: "turn dark mode on" and "turn dark mode off" are nearer to each
other than most paraphrases are. So two questions share an answer only where nothing that they say differs: language,
quotations, numbers and units, the kind of the question, negation, words of logic, tense, and every word that carries
meaning, save for synonyms. docs/adr/0052-semantic-cache.md has the measurements.
"""

from __future__ import annotations

import re
from itertools import combinations

from gateway.cache import chinese, english, lexicon
from gateway.cache.reading import CHARACTERS_MAX, Reading, Term, is_about_words

_HAN = re.compile(r"[㐀-鿿]")
_LATIN = re.compile(r"[A-Za-z]")
_OTHER = re.compile(r"[^\W\d_A-Za-z㐀-鿿]")
# Words of languages that share English's letters; two of them tell.
_FOREIGN = frozenset({
    "el", "la", "de", "los", "las", "una", "por", "para", "con", "como", "qué", "cuál", "cómo", "está",
    "del", "es", "le", "les", "des", "une", "est", "pour", "dans", "avec", "que", "qui", "quel", "comment",
    "où", "der", "das", "und", "ist", "wie", "für", "mit", "nicht", "ein", "eine", "wo", "il", "che", "di",
    "per", "come", "sono", "è", "não", "você", "um", "uma", "het", "een", "hoe", "wat", "är", "och", "hur"
})  # fmt: skip
_FOREIGN_MIN = 2
# The pronouns that a question may have or not: how do I, how do you, 我怎么.
_SPEAKER = frozenset({"i", "we", "you", "我", "我们", "你", "您", "你们", "咱", "咱们"})
_WORD = re.compile(r"\w+")
# Each gate with the part of a reading that has to be equal, and with the part that may be missing in one of two.
_EQUAL = (
    ("language", "language"), ("quotation", "quoted"), ("signs", "signs"), ("numbers", "numbers"), ("question", "kind"),
    ("negation", "negations"), ("logic", "marks"),
)  # fmt: skip
_NOT_OPPOSED = (("question", "detail"), ("tense", "tense"), ("person", "owner"))


def read(text: str) -> Reading | None:
    """Reads a question; `None` for one that word lists say too little of: a long one, or one in another language."""
    if len(text) > CHARACTERS_MAX or not text.strip():
        return None
    han, latin, other = (len(found.findall(text)) for found in (_HAN, _LATIN, _OTHER))
    if other > 0.1 * (han + latin):
        return None
    if han * 3 >= latin and han:
        return chinese.read(text)
    if not latin or len(_FOREIGN & set(_WORD.findall(text.casefold()))) >= _FOREIGN_MIN:
        return None
    return english.read(text)


def held_back(one: Reading, other: Reading) -> str | None:
    """The name of the first gate that keeps two questions apart; `None` where they may share an answer."""
    for name, field in _EQUAL:
        if getattr(one, field) != getattr(other, field):
            return name
    for name, field in _NOT_OPPOSED:
        mine, theirs = getattr(one, field), getattr(other, field)
        if mine and theirs and mine != theirs:
            return name
    if {one.asked, other.asked} == {"object", "subject"} and one.kind in {"who", "what"}:
        return "part of the sentence"
    if _differ_in_persons(one.persons, other.persons):
        return "person"
    if (one.literal or other.literal) and _spelt(one) != _spelt(other):
        return "spelling"
    return _terms_held_back(one, other)


def _terms_held_back(one: Reading, other: Reading) -> str | None:
    if not one.terms and not other.terms:
        return None if one.numbers or one.quoted else "words"
    pairs = _matched(one.terms, other.terms)
    if pairs is None:
        return "names" if _differ_in_names(one.terms, other.terms) else "words"
    for mine, theirs in pairs:
        if one.terms[mine].mark and other.terms[theirs].mark and one.terms[mine].mark != other.terms[theirs].mark:
            return "logic"
        here, there = one.terms[mine].direction, other.terms[theirs].direction
        if here != there and ((here and there) or ("from" in {here, there} and not _removes(one))):
            return "direction"
    return None if _in_one_order(one, other, pairs) else "order"


def _spelt(one: Reading) -> set[str]:
    """The words as they are written, of a question about words; those that say so are none of them."""
    return {term.word for term in one.terms if not is_about_words(term.word)}


def _differ_in_persons(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """True if the pronouns tell two questions apart; those of a speaker alone, as in "how do I", may be left out."""
    if one == other:
        return False
    return max(len(set(one)), len(set(other))) > 1 or not {*one, *other} <= _SPEAKER


def _removes(one: Reading) -> bool:
    """True of a question about taking something away, which is always from something."""
    return any("delete" in term.groups for term in one.terms)


def _matched(one: tuple[Term, ...], other: tuple[Term, ...]) -> list[tuple[int, int]] | None:
    """Each term of the one with its place in the other; `None` where a term has none there."""
    free = list(range(len(other)))
    pairs: list[tuple[int, int]] = []
    for at, term in enumerate(one):
        found = next((place for place in free if _are_equal(term, other[place])), None)
        if found is None:
            found = next((place for place in free if _mean_the_same(term, other[place])), None)
        if found is None:
            if any(_are_equal(term, each) or _mean_the_same(term, each) for each in other):
                continue
            return None
        free.remove(found)
        pairs.append((at, found))
    left = [other[place] for place in free]
    has_all = all(any(_are_equal(term, each) or _mean_the_same(term, each) for each in one) for term in left)
    return pairs if has_all else None


def _are_equal(one: Term, other: Term) -> bool:
    return one.stem == other.stem and one.groups == other.groups


def _mean_the_same(one: Term, other: Term) -> bool:
    if not one.groups.isdisjoint(other.groups):
        return True
    if one.exact or other.exact:
        return one.stem == other.stem and not (one.groups and other.groups)
    return lexicon.english().are_synonyms(one.stem, other.stem)


def _differ_in_names(one: tuple[Term, ...], other: tuple[Term, ...]) -> bool:
    return {term.stem for term in one if term.exact} != {term.stem for term in other if term.exact}


def _in_one_order(one: Reading, other: Reading, pairs: list[tuple[int, int]]) -> bool:
    """True if the terms stand in the same order, but for changes that keep what is asked."""
    places = [place for _, place in pairs]
    if places == sorted(places) or (one.compares and other.compares):
        return True
    if one.language == "zh":
        return _chinese_order(one, other, pairs)
    if any(term.direction in {"to", "from", "than", "by"} for term in (*one.terms, *other.terms)):
        return False
    moved = _moved(places)
    if moved and one.kind != "yesno":
        named = [len(block) == 1 and other.terms[block[0]].exact for block in moved]
        # "In Python" may stand at either end; two names side by side, as of a person, may not change places.
        if sum(named) == 1 or one.fronts != other.fronts or one.turns != other.turns:
            return True
    inverted = [(here, there) for here, there in combinations(pairs, 2) if here[1] > there[1]]
    return one.kind != "yesno" and all(_are_linked(one, other, here, there) for here, there in inverted)


def _are_linked(one: Reading, other: Reading, here: tuple[int, int], there: tuple[int, int]) -> bool:
    """True if two terms that have changed places are neighbours in either text: "user password", "password of user"."""
    if one.terms[here[0]].exact and one.terms[there[0]].exact:
        return False
    tie_here = one.terms[there[0]].follows if there[0] == here[0] + 1 else ""
    tie_there = other.terms[here[1]].follows if here[1] == there[1] + 1 else ""
    if tie_here and tie_there:
        # "Chocolate milk" is "milk of chocolate", and not "milk chocolate".
        return tie_here != tie_there
    return bool(tie_here or tie_there)


def _moved(places: list[int]) -> tuple[list[int], list[int]] | None:
    """The two neighbouring parts that have changed places, where that is all that has changed."""
    ranks = [sorted(places).index(place) for place in places]
    start = next((at for at, rank in enumerate(ranks) if at != rank), len(ranks))
    end = next((at for at in range(len(ranks), start, -1) if ranks[at - 1] != at - 1), start)
    part = ranks[start:end]
    cut = next((at for at in range(1, len(part)) if part[at] < part[at - 1]), 0)
    if not cut or part[cut:] + part[:cut] != sorted(part):
        return None
    return places[start : start + cut], places[start + cut : end]


def _chinese_order(one: Reading, other: Reading, pairs: list[tuple[int, int]]) -> bool:
    if one.kind == "yesno" or any(term.direction for term in (*one.terms, *other.terms)):
        return False
    exact = [place for at, place in pairs if one.terms[at].exact]
    places = [place for _, place in pairs]
    moved = _moved(places)
    if moved is None or exact != sorted(exact):
        return False
    first, second = moved
    ends_here = pairs[places.index(second[0])][0]
    return not (one.terms[ends_here].follows and other.terms[first[0]].follows)
