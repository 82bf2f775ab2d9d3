"""Reads a Chinese question, as `english.py` reads an English one: by the longest words that the lists know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from gateway.cache import lexicon
from gateway.cache.reading import Reading, Term, given_in, is_about_words, signs_in
from gateway.cache.units import UNITS, number_of

_KIND = re.compile(r"«(\w+)(?::(\w+))?»")
_QUOTED = re.compile(
    r"```.*?```|`[^`]+`|\"[^\"]+\"|“[^”]+”|「[^」]+」|『[^』]+』|《[^》]+》|\w+://[^\s，。]+", re.DOTALL
)
_DIGITS = {
    "零": 0,
    "\u3007": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_NUMERAL = re.compile(r"第?[零\u3007一二两三四五六七八九十百千万亿]+")
_TOKEN = re.compile(
    r"-?\d[\d,]*(?:\.\d+)*|[a-z]\+\+|[a-z]#|https?://\S+|[a-z]+(?:[-.][a-z0-9]+)*|[+*/=<>^&|~%$€£¥°-]|[㐀-鿿]+"
)
_NEGATIONS = frozenset({
    "不能", "不会", "不要", "不用", "不是", "没有", "没法", "无法", "不可", "别", "勿", "不", "没", "无", "未", "非"
})  # fmt: skip
_DIRECTIONS = {
    "到": "to", "至": "to", "往": "to", "去": "to", "成": "to", "转": "to", "换": "to", "给": "to", "向": "to",
    "对": "to", "从": "from", "减": "from", "除以": "from", "由": "by", "被": "by", "比": "than",
}  # fmt: skip
_CLASSIFIERS = frozenset("个名只条张位种本辆台座次月")
_FRONTS = ("在", "对于", "关于", "用", "如果", "当")
_SYMMETRIC = re.compile(r"区别|差别|不同|差异|相同|还是|对比|比较|和.*哪个")
_PERSON = re.compile(r"谁的|(?:[我你您他她它]们?|咱们?)(?!的)")
_PAST = re.compile(r"曾经?|已经|(?<![通经超难不])过(?![程敏期滤度去年节分户冬夜])|了(?=吗|没|$)")
_FUTURE = re.compile(r"(?<![学机社开大])会(?![员议计话社展长费面见])|将(?=要|会|来)|打算|即将")
# What a question asks for is a subject before the verb, and else an object; "X是谁" and "谁是X" ask for neither.
_ASKED = r"(?:谁|什么(?!时|意|地|原|样)|哪[些个位种家]\w{0,2}?)"
_SUBJECT = re.compile(rf"^{_ASKED}(?!是|的|叫)(?=.)|[由被]{_ASKED}")
_NEITHER = re.compile(rf"^{_ASKED}(?:是|的|叫)|(?:[是有为叫指]|包括|属于){_ASKED}")
_WORD_MAX = 6
_ARTICLE = "一"
# The first patterns take courtesies away, before and after.
_COURTESIES = 2


def read(text: str) -> Reading:
    """Reads a question."""
    quoted = tuple(" ".join(found.split()).strip('`"“”「」『』《》') for found in _QUOTED.findall(text))
    plain = unicodedata.normalize("NFKC", _QUOTED.sub(" ", text)).casefold()
    low = re.sub(r"[?!;:。、,.()\[\]{}]+(?=\D|$)|\s+(?=[㐀-鿿])|(?<=[㐀-鿿])\s+", " ", plain).strip()
    low = re.sub(r"(?<=[㐀-鿿]) (?=[㐀-鿿])", "", low)
    kind, detail, kinds = "", "", lexicon.chinese().kinds
    spoken = kinds[0][0].sub("", low)
    fronts = low.startswith(_FRONTS)
    for pattern, instead in kinds:
        low = pattern.sub(f" {instead} " if "«" in instead else instead, low, count=1).strip()
        if "«" in instead and (found := _KIND.search(low)):
            kind, detail = found[1], found[2] or ""
            low = _KIND.sub(" ", low)
            break
    for pattern, _ in kinds[:_COURTESIES]:
        low = pattern.sub("", low)
    tokens = [word for token in _TOKEN.findall(low) for word in _words(token)]
    numbers, tokens = _numbers(tokens)
    words = lexicon.chinese()
    terms = tuple(_terms(tokens, spoken))
    given = given_in(text)
    return Reading(
        language="zh",
        kind=kind,
        detail=detail,
        tense="past" if _PAST.search(spoken) else "future" if _FUTURE.search(spoken) else "",
        asked=_asked(spoken),
        negations=sum(token in _NEGATIONS for token in tokens),
        numbers=numbers,
        marks=tuple(sorted({words.marks[token] for token in tokens if token in words.marks})),
        quoted=(*quoted, given) if given else quoted,
        signs=signs_in(unicodedata.normalize("NFKC", _QUOTED.sub("引", text))),
        persons=_persons(spoken, terms),
        literal=is_about_words(plain),
        terms=terms,
        fronts=fronts,
        compares=kind == "howfar" or bool(_SYMMETRIC.search(plain)),
    )


def _asked(spoken: str) -> str:
    """The part of the sentence that is asked for."""
    if _SUBJECT.search(spoken):
        return "subject"
    return "" if _NEITHER.search(spoken) or not re.search(_ASKED, spoken) else "object"


def _persons(spoken: str, terms: tuple[Term, ...]) -> tuple[str, ...]:
    """The pronouns in their order, each with the number of words before it that carry meaning."""
    places = [spoken.find(term.stem) for term in terms]
    return tuple(
        f"{found[0]}{sum(0 <= place < found.start() for place in places) or ''}" for found in _PERSON.finditer(spoken)
    )


def _words(token: str) -> Iterator[str]:
    """The words of a run of characters: the longest known one each time, else a single character."""
    if not "㐀" <= token[0] <= "鿿":
        yield token
        return
    at = 0
    while at < len(token):
        numeral = _NUMERAL.match(token, at)
        length = next((n for n in range(min(_WORD_MAX, len(token) - at), 1, -1) if _is_known(token[at : at + n])), 1)
        if numeral and len(numeral[0]) >= length:
            length = len(numeral[0])
        yield token[at : at + length]
        at += length


def _is_known(word: str) -> bool:
    words = lexicon.chinese()
    key = (word,)
    return (
        key in words.groups_of or key in words.names or word in words.marks or word in words.function
        or word in _NEGATIONS or word in UNITS or word in _DIRECTIONS
    )  # fmt: skip


def _numeral(word: str) -> str | None:
    """The number that a Chinese numeral writes."""
    bare = word.removeprefix("第")
    if not bare or not set(bare) <= _DIGITS.keys() | _SCALES.keys():
        return None
    total = part = digit = 0
    for letter in bare:
        if letter in _DIGITS:
            digit = digit * 10 + _DIGITS[letter] if part == 0 and digit else _DIGITS[letter]
        elif _SCALES[letter] >= 10_000:
            total, part, digit = (total + part + digit) * _SCALES[letter], 0, 0
        else:
            part, digit = part + (digit or 1) * _SCALES[letter], 0
    return str(total + part + digit)


def _numbers(tokens: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The numbers with their units, in their order; and the other tokens. A lone "一" is an article."""
    found: list[str] = []
    rest: list[str] = []
    for word in tokens:
        number = number_of(word)
        if number is None and word != _ARTICLE:
            number = _numeral(word)
        if number is not None:
            found.append(f"#{number}" if word.startswith("第") else number)
        elif word in UNITS and (word not in "度元天年周克升" or found):
            found.append(UNITS[word])
        elif len(word) == 1 and not word.isalnum():
            found.append(word)
        elif not (word in _CLASSIFIERS and found):
            rest.append(word)
    return tuple(found), rest


def _terms(tokens: list[str], spoken: str) -> Iterator[Term]:
    words = lexicon.chinese()
    direction = mark = before = ""
    for token in tokens:
        if token in _DIRECTIONS:
            direction = _DIRECTIONS[token]
        elif token in words.function or token in words.marks or token in _NEGATIONS:
            mark = words.marks.get(token, "")
        else:
            name, known = words.names.get((token,), ""), words.groups_of.get((token,), frozenset())
            stem = token
            if token.isascii():
                stem, known = lexicon.stem(token), frozenset()
                name = lexicon.english().names.get((stem,), "")
            is_tied = bool(before) and (before + token in spoken or f"{before}的{token}" in spoken)
            groups = frozenset({name}) if name else known
            exact = bool(name) or token.isascii()
            yield Term(stem, groups, exact, "beside" if is_tied else "", direction, token, mark)
            direction, mark, before = "", "", token
