"""Holds the rules for sentences: a docstring begins with a verb or a noun; no clause about an unnamed person."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.arch.tree import definitions, files, python_files, text

# First words that make a docstring a clause about something unnamed, or a piece of its neighbour's sentence.
NO_BEGINNINGS = {
    "about", "after", "also", "and", "as", "at", "before", "beside", "beyond", "but", "by", "for", "from", "how", "if",
    "in", "it", "let", "likewise", "more", "none", "not", "of", "on", "or", "so", "than", "that", "there", "these",
    "they", "this", "those", "to", "until", "what", "when", "where", "whether", "which", "while", "who", "whose",
    "with", "without",
}  # fmt: skip
# Beginnings that only the neighbour explains. "The same wire's event" and "One of the parts" name their object.
LEANS_ON_ITS_NEIGHBOUR = re.compile(r"The same( of| for| with| as|[.:,;])|One of (them|these|those)\b")
# Spelled with brackets, so that this file does not hold what it looks for. A name's words are parted by `_`.
RIDDLES = re.compile(
    r"(?<![a-z])(who[e]ver|what[e]ver|which[e]ver|wher[e]ver|(no|some|any|every)(bod[y]|[o]ne))s?(?![a-z])",
    re.IGNORECASE,
)
PROSE = {".md", ".py", ".yaml", ".toml"}


def first_word(docstring: str) -> str:
    found = re.match(r"[\W_]*([A-Za-z'-]+)", docstring)
    return found[1].lower() if found else ""


def docstrings(path: Path) -> list[tuple[int, str]]:
    """The docstrings of a file, each with the line of what it describes."""
    found = [(node, ast.get_docstring(node, clean=False)) for node in definitions(path)]
    return [(getattr(node, "lineno", 1), docstring.strip()) for node, docstring in found if docstring]


def is_no_sentence_of_its_own(docstring: str) -> bool:
    return first_word(docstring) in NO_BEGINNINGS or LEANS_ON_ITS_NEIGHBOUR.match(docstring) is not None


def test_a_docstring_begins_with_a_verb_or_a_noun() -> None:
    found = [
        f"{path}:{line} {docstring.splitlines()[0]}"
        for path in python_files()
        for line, docstring in docstrings(path)
        if is_no_sentence_of_its_own(docstring)
    ]
    assert found == []


def test_no_sentence_or_name_is_about_an_unnamed_person() -> None:
    prose = [path for path in files() if path.suffix in PROSE]
    assert prose
    found = [
        f"{path}:{n}" for path in prose for n, line in enumerate(text(path).splitlines(), 1) if RIDDLES.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "docstring",
    [
        "What it is.",
        "As `x`, but longer.",
        "Whether it is.",
        "`By` the way.",
        "More of it.",
        "None: no output is open.",
        "The same for a part.",
        "The same: it is closed.",
        "One of them.",
    ],
)
def test_a_docstring_that_is_no_sentence_of_its_own_is_recognised(docstring: str) -> None:
    assert is_no_sentence_of_its_own(docstring)


@pytest.mark.parametrize("docstring", ["The same wire's event, untouched.", "One of the parts.", "Moreover it is."])
def test_a_docstring_that_names_its_object_is_a_sentence_of_its_own(docstring: str) -> None:
    assert not is_no_sentence_of_its_own(docstring)


@pytest.mark.parametrize("line", ["def test_{}_pays()", "# {} calls", "{}'s key", "another {}s", "asked_{}"])
@pytest.mark.parametrize("word", ["no" + "body", "some" + "body", "any" + "one", "Who" + "ever", "what" + "ever"])
def test_an_unnamed_person_is_recognised_inside_names_too(line: str, word: str) -> None:
    assert RIDDLES.search(line.format(word))
