"""Tests what is said of a body or a query that does not fit its Struct: message, JSON path and code."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

import pytest
from msgspec import Meta, Struct
from msgspec.json import schema_components

from gateway.errors import InvalidRequest
from gateway.protocols.shared.body import Body, read_body, read_query, schema_of, text


class Even(str):
    """A type that reads its values itself."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": "^(..)*$"}

    @classmethod
    def read(cls, value: object) -> Self:
        if len(text(value)) % 2:
            raise ValueError("Input should have an even length")
        return cls(value)


class Inner(Body, frozen=True):
    """A member that is an object."""

    flag: bool = True


class Thing(Body, frozen=True, kw_only=True):
    """A body with a member of each kind."""

    name: Annotated[str, Meta(min_length=1, max_length=3)]
    count: Annotated[int, Meta(ge=1, le=9)] | None = None
    word: Literal["one", "two"] = "one"
    evens: Annotated[list[Even], Meta(max_length=2)] | None = None
    inner: Inner = Inner()
    amount: Decimal | None = None


class Asked(Struct):
    """A query."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7
    keep: bool = False


MISSING, UNKNOWN, TYPE, VALUE = "missing_required_parameter", "unknown_parameter", "invalid_type", "invalid_value"
REFUSED = [
    (b"{}", "name", MISSING, "Missing required parameter: 'name'."),
    (b'{"name":"a","x":1}', "x", UNKNOWN, "Unknown parameter: 'x'."),
    (b'{"name":"a","x - at `$.y`":1}', "x - at `$.y`", UNKNOWN, "Unknown parameter: 'x - at `$.y`'."),
    (b'{"name":"a","inner":{"x":1}}', "inner.x", UNKNOWN, "Unknown parameter: 'inner.x'."),
    (b'{"name":7}', "name", TYPE, "Invalid type for 'name': expected a string, but got an integer instead."),
    (
        b'{"name":"a","count":2.0}',
        "count",
        TYPE,
        "Invalid type for 'count': expected an integer or null, but got a decimal instead.",
    ),
    (
        b'{"name":"a","count":123456789012345678901234567890}',
        "count",
        TYPE,
        "Invalid type for 'count': expected an integer or null, but got an integer of more than 64 bits instead.",
    ),
    (
        b'{"name":"a","inner":{"flag":"yes"}}',
        "inner.flag",
        TYPE,
        "Invalid type for 'inner.flag': expected a boolean, but got a string instead.",
    ),
    (
        b'{"name":"a","inner":[]}',
        "inner",
        TYPE,
        "Invalid type for 'inner': expected an object, but got an array instead.",
    ),
    (
        b'{"name":"a","evens":["ab",null]}',
        "evens[1]",
        TYPE,
        "Invalid type for 'evens[1]': expected a string, but got null instead.",
    ),
    (b'{"name":"a","evens":["ab","c"]}', "evens[1]", VALUE, "Invalid 'evens[1]': Input should have an even length."),
    (b'{"name":"a","evens":["","",""]}', "evens", VALUE, "Invalid 'evens': Expected an array of length <= 2."),
    (b'{"name":""}', "name", VALUE, "Invalid 'name': Expected a string of length >= 1."),
    (b'{"name":"a","count":0}', "count", VALUE, "Invalid 'count': Expected an integer >= 1."),
    (b'{"name":"a","word":"six"}', "word", VALUE, "Invalid 'word'. Supported values are: 'one', 'two'."),
    (b'{"name":"a","word":null}', "word", VALUE, "Invalid 'word'. Supported values are: 'one', 'two'."),
    (b'{"name":"a","amount":1e-99999999999999999999}', "amount", VALUE, "The number is out of range."),
]


@pytest.mark.parametrize(("body", "param", "code", "message"), REFUSED)
def test_a_member_that_does_not_fit_is_named(body: bytes, param: str, code: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_body(body, Thing)
    assert (refused.value.param, refused.value.code, refused.value.message) == (param, code, message)


def test_an_unknown_name_of_great_length_is_told_in_short() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_body(b'{"name":"a","' + b"x" * 100_000 + b'":1}', Thing)
    assert (refused.value.param, len(refused.value.message)) == ("x" * 200, 222)


def test_a_number_is_read_as_it_is_written() -> None:
    found = read_body(b'{"name":"a","count":9,"amount":0.10000000000000000555}', Thing)
    assert (found.count, str(found.amount)) == (9, "0.10000000000000000555")


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, Asked(7)), ({"days": "90", "keep": "true"}, Asked(90, keep=True)), ({"other": "1"}, Asked(7))],
)
def test_a_query_is_read_from_text(query: dict[str, str], expected: Asked) -> None:
    assert read_query(query, Asked) == expected


@pytest.mark.parametrize("query", [{"days": "91"}, {"days": "many"}, {"days": ""}, {"keep": "maybe"}])
def test_a_parameter_that_does_not_fit_is_named(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_query(query, Asked)
    assert refused.value.param == next(iter(query))


def test_a_type_that_reads_its_values_has_a_schema_of_its_own() -> None:
    _, schemas = schema_components([Thing], schema_hook=schema_of)
    assert schemas["Thing"]["properties"]["evens"]["anyOf"][0]["items"] == Even.SCHEMA
    assert (schemas["Thing"]["required"], schemas["Thing"]["additionalProperties"]) == (["name"], False)
