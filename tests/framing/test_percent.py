"""Tests of percent-encoding against Python's own."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing.percent import decoded, encoded, query_fields

TEXTS = st.text(st.characters(codec="utf-8"))
QUERIES = st.text(st.sampled_from("ab%+&=;/?4 1fFé"))


@given(TEXTS, st.sampled_from(["", "/", "/:@"]))
def test_a_text_is_encoded_as_by_python(text: str, safe: str) -> None:
    assert encoded(text, safe) == quote(text, safe=safe)


@given(TEXTS | QUERIES)
def test_a_text_is_decoded_as_by_python(text: str) -> None:
    assert decoded(text) == unquote(text)
    assert decoded(quote(text)) == text


@given(QUERIES)
def test_a_query_is_read_as_by_python(query: str) -> None:
    assert query_fields(query) == parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize(("text", "expected"), [("%FF", "\ufffd"), ("%zz%4", "%zz%4"), ("a%2Fb", "a/b"), ("%", "%")])
def test_what_is_no_encoding_stays(text: str, expected: str) -> None:
    assert decoded(text) == expected
