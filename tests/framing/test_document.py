"""Tests of the error texts and places for malformed requests."""

from decimal import Decimal

import pytest

from gateway.errors import InvalidRequest
from gateway.protocols.shared.document import Node, amounts, parse


def refusal(body: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":1} {"b":2}',
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refusal(body).code == "invalid_json"


def test_bad_json_is_told_where_it_is_bad() -> None:
    assert "line 2, column 5 (character 6)" in refusal(b'{\n"a":x}').message


def test_a_body_that_is_no_object_is_refused() -> None:
    error = refusal(b"[1]")
    assert (error.message, error.param, error.code) == (
        "Invalid type for the request body: expected an object, but got an array instead.",
        None,
        "invalid_type",
    )


def test_a_path_names_members_and_elements() -> None:
    node = parse(b'{"messages":[{"content":[{"image_url":{"url":1}}]}]}')
    content = node.required("messages").elements()[0].required("content").elements()[0]
    with pytest.raises(InvalidRequest) as caught:
        content.required("image_url").required("url").as_string()
    assert caught.value.param == "messages[0].content[0].image_url.url"
    assert caught.value.message == (
        "Invalid type for 'messages[0].content[0].image_url.url': expected a string, but got an integer instead."
    )


def test_null_counts_as_absent() -> None:
    node = parse(b'{"a":null}')
    assert node.member("a") is None
    with pytest.raises(InvalidRequest, match="Missing required parameter: 'a'"):
        node.required("a")


def test_a_boolean_is_no_integer() -> None:
    with pytest.raises(InvalidRequest, match="expected an integer, but got a boolean"):
        Node(True).as_integer(0, 9)


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "integer_below_min_value"), (11, "integer_above_max_value"), (2.0, "invalid_type"), ("2", "invalid_type")],
)
def test_an_integer_has_bounds(value: object, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Node(value).as_integer(1, 10)
    assert caught.value.code == code


@pytest.mark.parametrize(("length", "code"), [(0, "empty_string"), (5, "string_above_max_length")])
def test_a_string_has_a_length(length: int, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Node("x" * length).as_string(1, 4)
    assert caught.value.code == code


def test_a_long_word_is_not_echoed_whole() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Node("w" * 10_000).as_one_of(("a", "b"))
    assert len(caught.value.message) < 200


def test_an_amount_of_money_is_read_from_the_text() -> None:
    source = b'{"max_price":{"prompt":0.10000000000000000001,"completion":"2.5","total":null}}'
    node = parse(source).required("max_price")
    assert amounts(source, node, ("prompt", "completion", "total"), 100) == {
        "prompt": Decimal("0.10000000000000000001"),
        "completion": Decimal("2.5"),
    }


@pytest.mark.parametrize("text", [b"-1", b"101", b'"NaN"', b'"Infinity"', b'"x"', b"true", b"[]"])
def test_what_is_no_amount_is_refused(text: bytes) -> None:
    source = b'{"p":{"total":' + text + b"}}"
    with pytest.raises(InvalidRequest) as caught:
        amounts(source, parse(source).required("p"), ("total",), 100)
    assert caught.value.param == "p.total"


@pytest.mark.parametrize(
    ("body", "param"),
    [(b'{"model":"m","n" : 8,"n":null}', "n"), (b'{"model":"m","messages":[{"n":8,"n":null}]}', None)],
)
def test_a_member_that_is_given_twice_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest, match="twice") as refused:
        parse(body)
    assert (refused.value.param, refused.value.code) == (param, "duplicate_parameter")
