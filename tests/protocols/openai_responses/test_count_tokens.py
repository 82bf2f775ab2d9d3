"""Tests of counting a prompt on this wire: the request to a provider, and its answer."""

import orjson
import pytest

from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest, UnreadableAnswer
from gateway.protocols import anthropic_messages
from gateway.protocols.openai_responses.count_tokens import (
    decode_count,
    decode_count_request,
    encode_count,
    encode_count_request,
)

TARGET = Target("up", Profile(name="reasons", efforts=("low", "high")), 64_000)


def test_a_count_is_asked_for_with_the_prompt_alone_and_its_own_bytes() -> None:
    body = b'{"model": "m", "input": [ {"role":"user","content":"hi"} ], "store": true, "temperature": 1, "top_p": 1}'
    sent = encode_count_request(decode_count_request(body), TARGET)
    assert sent == b'{"model": "up", "input": [ {"role":"user","content":"hi"} ]}'


def test_the_prompt_of_another_wire_is_counted_too() -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "temperature": 1}
    request = anthropic_messages.CLIENT.decode_request(orjson.dumps(body))
    sent = orjson.loads(encode_count_request(request, TARGET))
    assert sent == {"model": "up", "input": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("members", "param"), [({"input": 7}, "input"), ({"input": "hi", "conversation": "conv_1"}, "conversation")]
)
def test_a_prompt_that_cannot_be_read_says_where(members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_count_request(orjson.dumps({"model": "m", **members}))
    assert refused.value.param == param


def test_the_count_is_the_providers() -> None:
    assert decode_count(b'{"object":"response.input_tokens","input_tokens":7}') == 7
    assert orjson.loads(encode_count(7)) == {"object": "response.input_tokens", "input_tokens": 7}


@pytest.mark.parametrize("body", [b"{}", b'{"input_tokens": true}', b'{"input_tokens": null}'])
def test_an_answer_without_a_count_cannot_be_read(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_count(body)
