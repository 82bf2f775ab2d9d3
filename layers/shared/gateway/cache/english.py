"""Reads an English question: its kind, its numbers, its words of logic, and the words that carry its meaning."""

from __future__ import annotations

import re
import unicodedata

from gateway.cache import lexicon
from gateway.cache.reading import Reading, Term, given_in, is_about_words, signs_in
from gateway.cache.units import NUMBER_WORDS, UNITS, number_of

_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcannot\b"), "can not"), (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bain't\b"), "is not"), (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(what|how|where|who|when|why|it|that|there|here|he|she)'s\b"), r"\1 is"),
    (re.compile(r"\blet's\b"), "let us"), (re.compile(r"'re\b"), " are"), (re.compile(r"'m\b"), " am"),
    (re.compile(r"'ll\b"), " will"), (re.compile(r"'ve\b"), " have"), (re.compile(r"'d\b"), " would"),
    (re.compile(r"\bwhats\b"), "what is"), (re.compile(r"\b(do|does|did|is|are|was|were)nt\b"), r"\1 not"),
    (re.compile(r"'s\b|(?<=s)'(?= )"), " \u2019s"),
)  # fmt: skip
_COMPARATIVES = re.compile(
    r"\b(?:(fast|quick|cheap|long|short|high|slow|young|old|strong|tall|clean|smart|hard|soft|warm|cool|small|great)er|"
    r"(eas|health|heav|happ|nois|earl)ier|(saf|larg|wid|nic|lat)er|(big|hot|thin|fat)(?:g|t|n)er)\b"
)
_KIND = re.compile(r"«(\w+)(?::(\w+))?»")
_TOKEN = re.compile(
    r"«[\w:]+»|\u2019s|[a-z]\+\+|[a-z]#|[a-z]\.js|\.net\b|https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|"
    r"[$€£¥%°]|-?\d[\d,]*(?:\.\d+)*|[a-z]+(?:[-.][a-z0-9]+)*|[^\W\d_]+|[+*/=<>^&|~]|-(?= ?\d)|,"
)
_QUOTED = re.compile(r"```.*?```|`[^`]+`|\"[^\"]+\"|“[^”]+”|(?<!\w)'[^']{2,}'(?!\w)|\w+://\S+", re.DOTALL)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NEGATIONS = frozenset({"not", "no", "never", "unable", "none", "neither", "nor", "without"})
_DIRECTIONS = {"to": "to", "into": "to", "onto": "to", "toward": "to", "towards": "to", "from": "from", "than": "than",
               "by": "by", "with": "", "against": "against", "before": "before", "after": "after"}  # fmt: skip
_FRONTS = frozenset({"in", "for", "on", "with", "at", "when", "if", "after", "before", "using", "during", "as"})
_SYMMETRIC = re.compile(r"\bdiffer|\bversus\b|\bvs\b|\bcompar|\bbetter\b.*\bor\b|\bor\b|\bsimilar|\bbetween\b")
_TURNS = re.compile(r" of |\u2019s|\b(?:be|been|being|was|were|is|are) (?:\w+ )?\w+(?:ed|en|wn|lt|nt|ght|de)\b")
# "Who did he see" asks for the object, "who saw him" for the subject.
_OBJECT = re.compile(
    r"\b(?:who|whom|what|which)\b(?: \w+){0,3}? (?:(?:do|does|did)\b|(?:can|could|should|would|will|must|may|might) "
    r"(?:i|you|we|he|she|it|they|one|people)\b)"
)
_AUXILIARIES = frozenset({
    "do", "does", "did", "is", "are", "was", "were", "be", "been", "can", "could", "should", "would", "will",
    "must", "may", "might", "have", "has", "had"
})  # fmt: skip
_PARTICLE_VERBS = frozenset({"turn", "switch", "shut", "power", "log", "sign", "set", "back", "put", "take", "pick",
                             "look", "give", "get", "call", "slow", "speed", "cut", "wake", "throw", "zoom",
                             "opt", "check", "move", "fill", "hang", "break", "write", "bring", "send"})  # fmt: skip
_PARTICLES = frozenset({"on", "off", "up", "down", "out", "in", "back", "away"})
_PARTICLE_WITHIN = 5
_ARTICLE = "one"
_PERSONS = frozenset({"i", "me", "we", "us", "you", "he", "him", "she", "her", "they", "them"})
# "Tell me", "to me": who is told is who asks.
_TOLD = re.compile(r"^(?:tell|give|show|send|write|find|get|make|recommend|suggest) (?:me|us)\b|\b(?:to|for) me$")
_FUTURE = re.compile(r"\b(?:will|shall|going to)\b")
_PAST, _PRESENT = frozenset({"was", "were", "did", "had"}), frozenset({"is", "are", "does", "do", "am"})
# Names only where they are written as ones.
_AMBIGUOUS = frozenset({"us", "la", "go", "sun", "sat", "mon", "march", "may", "it", "c", "r", "mar", "turkey"})


def read(text: str) -> Reading:
    """Reads a question."""
    quoted = tuple(" ".join(found.split()).strip("`\"“”'") for found in _QUOTED.findall(text))
    plain = unicodedata.normalize("NFKC", _QUOTED.sub(" ", text)).replace("\u2019", "'").replace("\u2018", "'")
    named = _named(plain)
    low = _ISO_DATE.sub(_dated, plain.casefold())
    for pattern, instead in _CONTRACTIONS:
        low = pattern.sub(instead, low)
    first = low.split(None, 1)[0] if low.split() else ""
    low = " ".join(re.sub(r"[?!.,;:]+(?= |$)|[()\[\]{}\"]", " ", low).split())
    low = _COMPARATIVES.sub(_compared, low)
    spoken, low_words = low, low.split()
    words = set(low_words)
    kind, detail, low = _kind(low)
    tokens = [found for found in _TOKEN.findall(low) if found != ","]
    numbers, tokens = _numbers(tokens)
    terms, marks = _terms(tokens, named)
    given = given_in(text)
    return Reading(
        language="en",
        kind=kind,
        detail=detail,
        tense=_tense(spoken, words),
        owner=next((owner for owner in ("your", "my", "our", "their") if owner in words), ""),
        negations=sum(word in _NEGATIONS for word in low_words),
        asked="object" if _OBJECT.search(spoken) else "" if words & _AUXILIARIES else "subject",
        numbers=numbers,
        marks=marks,
        quoted=(*quoted, given) if given else quoted,
        signs=signs_in(unicodedata.normalize("NFKC", _QUOTED.sub("quoted", text))),
        persons=tuple(word for word in _TOLD.sub("", low.strip()).split() if word in _PERSONS - named),
        literal=is_about_words(plain),
        terms=terms,
        fronts=first in _FRONTS,
        turns=bool(_TURNS.search(low)),
        compares=kind == "howfar" or bool(_SYMMETRIC.search(low)),
    )


def _tense(spoken: str, words: set[str]) -> str:
    if _FUTURE.search(spoken):
        return "future"
    return "past" if words & _PAST else "present" if words & _PRESENT else ""


def _dated(found: re.Match[str]) -> str:
    return f"{_MONTHS[(int(found[2]) - 1) % 12]} {int(found[3])} {found[1]}"


def _compared(found: re.Match[str]) -> str:
    """A comparative as its adjective with "more"."""
    plain, to_y, to_e, doubled = found.groups()
    return f"{plain or (to_y and f'{to_y}y') or (to_e and f'{to_e}e') or doubled} more"


def _named(plain: str) -> frozenset[str]:
    """The words written with a capital inside a sentence, or in capitals; none where most words are."""
    words = re.findall(r"[A-Za-z][\w.+#-]*", plain)
    inner = re.findall(r"(?<=[a-z0-9,;:'\"] )([A-Z][\w+#-]*)|\b([A-Z]{2,}[\w+#-]*|[a-z]+[A-Z]\w*)", plain)
    if sum(word[0].isupper() for word in words[1:]) > max(2, 0.6 * len(words)) and len(words) > 3:
        return frozenset()
    return frozenset(word.casefold() for pair in inner for word in pair if word and word != "I")


def _kind(low: str) -> tuple[str, str, str]:
    """The kind of the question, its detail, and the text without what has told it."""
    for pattern, instead in lexicon.english().kinds:
        low = " ".join(pattern.sub(instead, low, count=1).split())
    found = _KIND.search(low)
    return (found[1], found[2] or "", _KIND.sub(" ", low)) if found else ("", "", low)


def _numbers(tokens: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The numbers with their units, units alone, and signs, in their order; and the other tokens."""
    found: list[str] = []
    rest: list[str] = []
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        number = number_of(token)
        if number is None and token in NUMBER_WORDS and (token != _ARTICLE or after in UNITS):
            number = NUMBER_WORDS[token]
        if number is not None:
            found.append(number)
        elif token in UNITS:
            found.append(UNITS[token])
        elif not token.isalnum() and len(token) == 1:
            found.append(token)
        else:
            rest.append(token)
    return tuple(found), rest


def _terms(tokens: list[str], named: frozenset[str]) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """The terms of a text, phrases first, and its words of logic."""
    words, tokens = lexicon.english(), _joined(tokens)
    stems = [lexicon.stem(word) for word in tokens]
    terms: list[Term] = []
    marks: set[str] = set()
    at, last_at, direction, tie, mark = 0, -9, "", "beside", ""
    while at < len(tokens):
        word = tokens[at]
        length, name, groups = _longest(words, stems, at)
        if length > 1 or (name and (word not in _AMBIGUOUS or word in named)):
            known = frozenset({name}) if name else groups
            spelt = "_".join(tokens[at : at + length])
            follows = tie if last_at == at else ""
            terms.append(Term("_".join(stems[at : at + length]), known, bool(name), follows, direction, spelt, mark))
            at, direction, tie, mark = at + length, "", "beside", ""
            last_at = at
            continue
        if word in _DIRECTIONS:
            direction = _DIRECTIONS[word]
        if word not in words.function and word not in words.marks and word not in _NEGATIONS:
            follows = tie if last_at == at else ""
            terms.append(Term(stems[at], groups, word in named, follows, direction, word, mark))
            direction, last_at, tie, mark = "", at + 1, "beside", ""
        elif word in words.marks:
            mark = words.marks[word]
            marks.add(mark)
        if word in {"of", "\u2019s"} and last_at == at:
            last_at, tie = at + 1, "of" if word == "of" else "beside"
        at += 1
    return tuple(terms), tuple(sorted(marks))


def _longest(words: lexicon.Lexicon, stems: list[str], at: int) -> tuple[int, str, frozenset[str]]:
    """The length of the longest phrase that begins here, and the name or the groups that it has."""
    for length in range(min(words.longest, len(stems) - at), 0, -1):
        phrase = tuple(stems[at : at + length])
        if phrase in words.names:
            return length, words.names[phrase], frozenset()
        if phrase in words.groups_of:
            return length, "", words.groups_of[phrase]
    return 1, "", frozenset()


def _joined(tokens: list[str]) -> list[str]:
    """Brings a verb's particle next to it: "turn the light off" is "turn off the light"."""
    made = list(tokens)
    for at, token in enumerate(made):
        if lexicon.stem(token) not in _VERB_STEMS or (at + 1 < len(made) and made[at + 1] in _PARTICLES):
            continue
        for other in range(at + 2, min(at + _PARTICLE_WITHIN, len(made))):
            if made[other] in _PARTICLES and (other + 1 == len(made) or made[other] in {"off", "down", "up", "out"}):
                made.insert(at + 1, made.pop(other))
                break
    return made


_VERB_STEMS = frozenset(map(lexicon.stem, _PARTICLE_VERBS))
