"""Tests that JSON keeps every digit of its integers."""

from hashlib import sha256

import orjson
import pytest

from gateway.canonical.json_bounds import DEPTH_MAX, VALUES_MAX, ExceedsBounds
from gateway.framing.json_values import loads, readable, repeats_a_name, reread


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":123456789012345678901234}',
        b'{"a":[-9223372036854775809,[18446744073709551616]]}',
        b'[{"a":18446744073709551615},{"b":-9223372036854775808}]',
        b'{"a":"x: 123456789012345678901234 \\",123456789012345678901234"}',
        b"[" + b"7" * 5000 + b"]",
    ],
)
def test_an_integer_is_written_as_it_came(text: bytes) -> None:
    assert orjson.dumps(loads(text)) == text
    assert orjson.dumps(reread(text)) == orjson.dumps(reread(text.decode())) == text


@pytest.mark.parametrize("said", [r"\u0000integer:1,\"max_tokens\":9", "", "1", r"\u0000", "0" * 40 + r"\""])
def test_a_text_beside_a_long_integer_stays_a_text(said: str) -> None:
    text = b'{"a":"%b","b":[123456789012345678901234,"%b"]}' % (said.encode(), said.encode())
    for value in (loads(text), reread(text)):
        assert value["a"] == value["b"][1] == orjson.loads(text)["a"]
        assert orjson.dumps(value) == text


def test_the_mark_of_one_text_marks_nothing_in_another() -> None:
    text = b"[123456789012345678901234]"
    guessed = f"{sha256(text).hexdigest()}1,2"
    assert loads(b'["%b",123456789012345678901234]' % guessed.encode())[0] == guessed


@pytest.mark.parametrize("text", [b"[0.1234567890123456789012]", b"[1234567890123456789012.5]", b"[1e19]", b'["1"]'])
def test_what_is_no_long_integer_is_read_as_ever(text: bytes) -> None:
    assert loads(text) == reread(text) == orjson.loads(text)


@pytest.mark.parametrize("text", [b"[123456789012345678901234", b'{"a":0123456789012345678901234}', b"x" * 30])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)
    with pytest.raises(orjson.JSONDecodeError):
        reread(text)


LONG, SHORT = b"123456789012345678901234", b"1"


@pytest.mark.parametrize("value", [LONG, SHORT])
def test_a_document_at_the_bound_can_be_written(value: bytes) -> None:
    document = loads(b"[" * DEPTH_MAX + value + b"]" * DEPTH_MAX)
    assert orjson.dumps(document).strip(b"[]") == value


@pytest.mark.parametrize("value", [LONG, SHORT])
def test_a_document_within_a_lower_bound_can_be_written_below_more_levels(value: bytes) -> None:
    document = loads(b"[" * 200 + value + b"]" * 200, 200)
    for _ in range(54):
        document = [document]
    assert orjson.dumps(document).strip(b"[]") == value
    with pytest.raises(ExceedsBounds, match="deeper than 200 levels"):
        loads(b"[" * 201 + value + b"]" * 201, 200)


@pytest.mark.parametrize("value", [LONG, SHORT])
@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 300, 1000])
def test_a_document_deeper_than_it_can_be_written_is_refused(value: bytes, depth: int) -> None:
    with pytest.raises(ExceedsBounds, match="deeper than 254 levels"):
        loads(b"[" * depth + value + b"]" * depth)
    with pytest.raises(ExceedsBounds, match="deeper than 254 levels"):
        loads(b'{"a":' * depth + value + b"}" * depth)


def test_brackets_in_text_do_not_count_as_levels() -> None:
    assert loads(b'"' + b"[" * 1000 + b'"') == "[" * 1000
    assert len(loads(b"[" + b"[]," * 1000 + b"[]]")) == 1001


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'""', b'"a,b"'])
def test_more_values_than_memory_bears_are_refused(value: bytes) -> None:
    many = b"[" + b",".join([value] * (VALUES_MAX + 1)) + b"]"
    with pytest.raises(ExceedsBounds, match="more than 1000000 values"):
        loads(many)


def test_more_members_than_memory_bears_are_refused() -> None:
    members = b",".join(b'"%d":0' % number for number in range(VALUES_MAX + 1))
    with pytest.raises(ExceedsBounds, match="more than 1000000 values"):
        loads(b"{" + members + b"}")


def test_an_object_counts_as_three_values() -> None:
    # With its comma each takes four.
    objects = [b'{"a":0}'] * (VALUES_MAX // 4)
    assert len(loads(b"[" + b",".join(objects[1:]) + b"]")) == len(objects) - 1
    with pytest.raises(ExceedsBounds, match="an object counts as three"):
        loads(b"[" + b",".join(objects) + b"]")


@pytest.mark.parametrize("text", [b"a,", b"[{", b'\\",[', b"\\\\,"])
def test_commas_and_brackets_in_text_do_not_count_as_values(text: bytes) -> None:
    document = b'["' + text * (VALUES_MAX + 1) + b'"]'
    assert len(loads(document)) == 1


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb'["hi \ud83d", "\uDE00"]', ["hi \ufffd", "\ufffd"]),
        (rb'["\ude00\ud83d"]', ["\ufffd\ufffd"]),
        (rb'["\ud83d\ud83d\ude00"]', ["\ufffd\U0001f600"]),
        (b'["a\xff\xed\xa0\xbd"]', ["a\ufffd\ufffd\ufffd\ufffd"]),
    ],
)
def test_half_a_character_is_replaced(text: bytes, read: list[str]) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)
    assert loads(readable(text)) == read


@pytest.mark.parametrize("text", [rb'["\ud83d\ude00 \\ud83d \"\u00e9"]', '["é\U0001f600"]'.encode(), b"[1"])
def test_what_is_readable_is_unchanged(text: bytes) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        (b'{"n":8,"n":null}', True),
        (b'{"n" :8,"n":1}', True),
        (b'{"n"\n\t: 8, "n" : 1}', True),
        (b'{"n":8,"\\u006e":1}', True),
        (b'{"a":[{"b":{"c":1,"c":[]}}]}', True),
        (b'{"a":"\\":","n" :1,"n":2}', True),
        (b'{"a":' + b"7" * 9_999 + b',"n":1,"n":2}', True),
        (b'{"a":"\\\\","n":1,"n":2}', True),
        (b'{"":1,"":2}', True),
        (b'{"n":1,"N":2}', False),
        (b'{"a":{"n":1},"b":{"n":2},"c":[{"n":1},{"n":1}]}', False),
        (b'{"a":"\\":\\"n\\":1,\\"n\\":2","b" : "\\\\":"x"}'.replace(b':"x"', b""), False),
        (b'{"a" : "x", "b":"a\\":"}', False),
        (b'["a",":","\\":"]', False),
        (b"[]", False),
    ],
)
def test_a_name_that_an_object_has_twice_is_found(text: bytes, repeats: bool) -> None:
    assert repeats_a_name(text, loads(text)) is repeats
