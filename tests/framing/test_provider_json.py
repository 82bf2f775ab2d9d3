"""A provider's JSON: what is there is of its type, what is null is absent, and anything else is no answer."""

from collections.abc import Callable

import pytest

from gateway.errors import UpstreamError
from gateway.framing.provider_json import (
    UNREADABLE,
    as_array,
    as_count,
    as_index,
    as_object,
    as_objects,
    as_position,
    as_text,
    created_s,
    dumped,
    load,
)


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"1", b'"a"', b"{", b'{"a":NaN}', b"<html>"])
def test_a_document_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(UpstreamError, match=UNREADABLE):
        load(data)


def test_a_document_is_its_members() -> None:
    assert load(b'{"a":[null]}') == {"a": [None]}


@pytest.mark.parametrize(
    ("read", "empty"), [(as_object, {}), (as_array, []), (as_objects, []), (as_text, ""), (as_count, 0)]
)
def test_null_is_as_good_as_absent(read: Callable[[object], object], empty: object) -> None:
    assert read(None) == empty


@pytest.mark.parametrize(
    ("read", "value"),
    [(as_object, {"a": 1}), (as_array, [1]), (as_objects, [{}]), (as_text, "a"), (as_count, 7), (as_position, 7)],
)
def test_a_value_of_its_type_is_itself(read: Callable[[object], object], value: object) -> None:
    assert read(value) == value


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (as_object, []),
        (as_array, {}),
        (as_objects, [1]),
        (as_text, 1),
        (as_count, -1),
        (as_count, True),
        (as_count, 1.0),
        (as_position, -1),
        (as_position, None),
    ],
)
def test_a_value_of_another_type_is_refused(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(UpstreamError, match=UNREADABLE):
        read(value)


@pytest.mark.parametrize("value", [None, -1, True, "2", 1.0])
def test_an_index_that_is_none_is_where_the_element_stands(value: object) -> None:
    assert [as_index(value, 3), as_index(2, 3)] == [3, 2]


@pytest.mark.parametrize(("value", "expected"), [(1700000000.9, 1700000000), (0, None), (None, None), ("1", None)])
def test_a_time_of_creation_is_whole_seconds(value: object, expected: int | None) -> None:
    assert created_s(value) == expected


def test_what_stays_as_it_came_is_json_text() -> None:
    assert dumped({"a": ["ä", None]}) == '{"a":["ä",null]}'


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(UpstreamError, match=UNREADABLE):
        dumped(nested(300))
