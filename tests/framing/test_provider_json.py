"""Tests of a provider's JSON: members have their type, null counts as absent, and any other value is an error."""

from collections.abc import Callable

import pytest

from gateway.errors import UpstreamError
from gateway.protocols.shared.provider_json import (
    UNREADABLE,
    as_array,
    as_count,
    as_index,
    as_object,
    as_objects,
    as_position,
    as_share,
    as_shares,
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


@pytest.mark.parametrize(("read", "empty"), [(as_object, {}), (as_array, []), (as_objects, []), (as_text, "")])
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
        (as_position, -1),
        (as_position, None),
    ],
)
def test_a_value_of_another_type_is_refused(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(UpstreamError, match=UNREADABLE):
        read(value)


@pytest.mark.parametrize(
    ("value", "share"), [(7, 7), (7.0, 7), (None, 0), (-3, 0), (1.5, 0), ("7", 7), ("seven", 0), (True, 0), ([], 0)]
)
def test_a_share_that_is_no_count_is_none(value: object, share: int) -> None:
    assert as_share(value) == share


@pytest.mark.parametrize(("value", "shares"), [({"a": 1}, {"a": 1}), (None, {}), ([], {}), ("x", {})])
def test_shares_that_are_no_object_are_none(value: object, shares: object) -> None:
    assert as_shares(value) == shares


@pytest.mark.parametrize("value", [7, 7.0, "7", "0007"])
def test_a_count_may_be_written_as_a_whole_decimal_or_as_digits(value: object) -> None:
    assert as_count(value) == 7


@pytest.mark.parametrize("value", [None, -1, -1.0, 1.5, True, "", "-7", "7.0", "\u0667", 10**9 + 1, "9999999999", []])
def test_what_is_no_number_of_tokens_is_no_count(value: object) -> None:
    assert as_count(value) is None


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
        load(b'{"a":' + b"[" * 240 + b"]" * 240 + b"}")
