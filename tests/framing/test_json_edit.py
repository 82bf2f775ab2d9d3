"""Tests of edits in the own bytes of JSON objects and arrays."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing.json_edit import edit, edit_objects, members

KEYS = st.sampled_from(["model", "id", "usage", 'q"uote', "back\\slash", "é", "", "a b"]) | st.text(max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=200)
    | st.sampled_from(['"}', "]{[", '\\"', "\\\\", 'a\\"b'])
    | st.text(alphabet='\\"{}[]ab', min_size=120, max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=6)
COMPACT = "compact"
SPACES = st.sampled_from([None, 0, 2, "\t", COMPACT])


def text_of(value: object, indent: Any, *, ascii_only: bool = True) -> bytes:
    separators = (",", ":") if indent == COMPACT else None
    indent = None if indent == COMPACT else indent
    return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()


def surrogate_free(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@given(OBJECTS.filter(surrogate_free), OBJECTS.filter(surrogate_free), st.sets(KEYS, max_size=3), SPACES, st.booleans())
def test_an_edited_document_is_the_edited_object(
    document: dict[str, Any], put: dict[str, Any], remove: set[str], indent: Any, ascii_only: bool
) -> None:
    remove -= put.keys()
    blank = b"" if indent == COMPACT else b" \n"
    body = blank + text_of(document, indent, ascii_only=ascii_only) + blank
    edited = edit(body, {name: orjson.dumps(value) for name, value in put.items()}, remove)
    expected = {name: value for name, value in document.items() if name not in remove} | put
    assert orjson.loads(edited) == orjson.loads(orjson.dumps(expected))


@given(OBJECTS.filter(surrogate_free), st.sets(KEYS, max_size=3), SPACES)
def test_the_bytes_of_every_member_that_is_not_edited_stay(
    document: dict[str, Any], names: set[str], indent: Any
) -> None:
    body = text_of(document, indent)
    kept = {name: value for name, value in members(body).items() if name not in names}
    assert members(edit(body, {}, names)) == kept
    replaced = edit(body, dict.fromkeys(names & document.keys(), b"null"))
    assert {name: value for name, value in members(replaced).items() if name not in names} == kept


@given(OBJECTS.filter(surrogate_free), SPACES)
def test_an_edit_of_nothing_changes_nothing(document: dict[str, Any], indent: Any) -> None:
    body = text_of(document, indent)
    assert edit(body) == body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1, "b":2}', b'{"a": 9, "b":2}'),
        (b'{ "a" : [1, {"a": 2}] }', b'{ "a" : 9 }'),
        (b'{"b":"\\"a\\":1", "a":1}', b'{"b":"\\"a\\":1", "a":9}'),
        (b"{}", b'{"a":9}'),
        (b'{"b":1}', b'{"b":1,"a":9}'),
    ],
)
def test_a_member_is_replaced_where_it_stands_or_added_at_the_end(body: bytes, expected: bytes) -> None:
    assert edit(body, {"a": b"9"}) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1,"b":2,"c":3}', b'{"b":2,"c":3}'),
        (b'{"b":2,"a":1,"c":3}', b'{"b":2,"c":3}'),
        (b'{"b":2,"a":1}', b'{"b":2}'),
        (b'{"a":{"a":1}}', b"{}"),
        (b'{"\\u0061":1,"b":2}', b'{"b":2}'),
        (b'{"b":2}', b'{"b":2}'),
    ],
)
def test_a_member_is_removed_with_its_comma(body: bytes, expected: bytes) -> None:
    assert edit(body, {}, {"a"}) == expected


def test_the_last_of_duplicates_counts_and_an_edit_leaves_one() -> None:
    body = b'{"a":1,"b":1,"a":2,"b":2}'
    assert members(body) == {"a": b"2", "b": b"2"}
    assert edit(body, {"a": b"9"}) == b'{"b":1,"a":9,"b":2}'
    assert edit(body, {}, {"a"}) == b'{"b":1,"b":2}'


@given(st.lists(VALUES.filter(surrogate_free), max_size=5), SPACES)
def test_each_object_of_an_array_is_changed_and_nothing_else(elements: list[Any], indent: Any) -> None:
    array = text_of(elements, indent)
    if indent != COMPACT:
        array = json.dumps(elements, indent=indent, separators=(" , ", " : ")).encode()
    changed = edit_objects(array, lambda _: b'{"changed":1}')
    expected = [{"changed": 1} if isinstance(element, dict) else element for element in elements]
    assert orjson.loads(changed) == orjson.loads(orjson.dumps(expected))
    assert edit_objects(array, lambda element: element) == array


def test_a_value_that_is_no_array_has_no_objects_to_change() -> None:
    assert edit_objects(b'{"a":{}}', lambda _: b"null") == b'{"a":{}}'


def test_megabytes_of_base64_are_passed_over() -> None:
    picture = b"QUJD" * 500_000
    body = b'{"messages":[{"url":"data:image/png;base64,' + picture + b'"}],"model":"a"}'
    assert edit(body, {"model": b'"b"'}) == body.replace(b'"a"', b'"b"')
