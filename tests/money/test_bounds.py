"""Tests that the worst case is never less than a request's cost: by construction, and for recorded answers."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.chat_models import FLAT_PRICE
from gateway.canonical.models import Sale
from gateway.canonical.money import Tier
from gateway.canonical.parts import Audio, Document, Image, InlineMedia, Message, RemoteMedia, Text, ToolResult
from gateway.canonical.request import ChatRequest, MeasuredSound, Tool
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest
from gateway.ledger.bounds import (
    FRAME_TOKENS,
    IMAGE_TOKENS_MAX,
    OPEN_OUTPUT_TOKENS,
    TOOLS_TOKENS,
    input_tokens_at_most,
    output_tokens_at_most,
    usage_at_most,
    worst_case,
)
from gateway.ledger.prices import cost, parse_price, price_of, terms
from gateway.ledger.tool_prices import OfferedTool, OfferedTools
from gateway.protocols.openai_chat.decode import decode_request
from tests.recorded import WITH_OTHERS, files, read_recording

WINDOW = 1_000_000


def request(*parts: Text | Image | Document | Audio | ToolResult, source: bytes = b"x" * 100) -> ChatRequest:
    return ChatRequest(
        protocol="openai_chat", model="gpt-4o", messages=(Message(role="user", parts=parts),), source=source
    )


def test_the_bounds_are_the_providers_own_numbers() -> None:
    assert (FRAME_TOKENS, TOOLS_TOKENS, IMAGE_TOKENS_MAX, OPEN_OUTPUT_TOKENS) == (16, 1_024, 48_169, 4_096)


def test_text_is_at_most_a_token_a_byte_and_its_framing() -> None:
    assert input_tokens_at_most(request(Text("hi")), WINDOW) == 100 + 2 * FRAME_TOKENS


def test_no_prompt_is_longer_than_the_context_window() -> None:
    assert input_tokens_at_most(request(Text("hi"), source=b"x" * 10_000), 4_096) == 4_096


def test_tools_bring_their_own_prompt() -> None:
    plain = request(Text("hi"))
    with_tool = replace(plain, tools=(Tool(name="f"),))
    more = input_tokens_at_most(with_tool, WINDOW) - input_tokens_at_most(plain, WINDOW)
    assert more == TOOLS_TOKENS + FRAME_TOKENS


def test_a_picture_costs_what_pictures_cost_and_not_its_bytes() -> None:
    inline = request(Image(InlineMedia("A" * 90_000, "image/png")), source=b"x" * 90_100)
    assert input_tokens_at_most(inline, WINDOW) == 100 + 2 * FRAME_TOKENS + IMAGE_TOKENS_MAX
    assert input_tokens_at_most(inline, WINDOW, image_tokens=1_445) == 100 + 2 * FRAME_TOKENS + 1_445


def test_a_picture_in_a_tools_answer_is_counted() -> None:
    picture = Image(RemoteMedia("https://example.com/cat.png"))
    asked = request(ToolResult(call_id="c", parts=(picture, picture)))
    assert input_tokens_at_most(asked, WINDOW) == 100 + 2 * FRAME_TOKENS + 2 * IMAGE_TOKENS_MAX


@pytest.mark.parametrize(
    "part",
    [
        Document(InlineMedia("JVBERi0=", "application/pdf")),
        Document(RemoteMedia("https://example.com/book.pdf")),
        Audio(RemoteMedia("https://example.com/talk.mp3")),
        Audio(InlineMedia("AAAA", "video/mp4")),
    ],
)
def test_what_has_no_length_yet_may_fill_the_window(part: Document | Audio) -> None:
    assert input_tokens_at_most(request(part), WINDOW) == WINDOW


def test_what_a_provider_keeps_may_fill_the_window() -> None:
    assert input_tokens_at_most(replace(request(Text("hi")), provider_state="conversation"), WINDOW) == WINDOW


def test_a_providers_own_tools_may_fill_the_window() -> None:
    searching = replace(request(Text("hi")), tools=(Tool(name="web_search", builtin={"type": "web_search"}),))
    assert input_tokens_at_most(searching, WINDOW) == WINDOW


@pytest.mark.parametrize(
    ("max_tokens", "choices", "bound"),
    [
        (100, 1, 100),
        (100, 3, 300),
        (99_999, 1, 16_384),
        (None, 1, OPEN_OUTPUT_TOKENS),
        (None, 2, 2 * OPEN_OUTPUT_TOKENS),
    ],
)
def test_an_answer_is_bounded_by_what_was_asked_and_what_the_model_can(
    max_tokens: int | None, choices: int, bound: int
) -> None:
    asked = replace(request(Text("hi")), max_output_tokens=max_tokens, choices=choices)
    assert output_tokens_at_most(asked, 16_384) == bound


def test_the_worst_case_is_both_bounds_at_the_tiers_price() -> None:
    asked = replace(request(Text("hi")), max_output_tokens=10)
    agreed = terms(Tier.FAST, price_of(FLAT_PRICE), Sale("test"))
    held = worst_case(asked, agreed, context_window=WINDOW, model_max=16_384)
    assert held == cost(Usage(input=100 + 2 * FRAME_TOKENS, output=10), agreed)


def test_the_worst_case_is_held_at_the_dearest_class() -> None:
    price = parse_price(
        {"input": "3", "output": "15", "cache_read": "0.3", "cache_write_5m": "3.75", "cache_write_1h": "6"}
    )
    agreed = terms(Tier.PASSTHROUGH, price, Sale("test"))
    asked = replace(request(Text("hi")), max_output_tokens=10)
    held = worst_case(asked, agreed, context_window=WINDOW, model_max=16_384)
    assert held == cost(Usage(cache_write_1h=100 + 2 * FRAME_TOKENS, output=10), agreed)


def _answered() -> Iterator[tuple[ChatRequest, int]]:
    """Yields recorded requests, and the prompt tokens that OpenAI counted for them."""
    for file in files("openai/chat/*.json"):
        recording = read_recording(file)
        text = recording["response"].get("body_text") or ""
        lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")] or [text]
        for line in lines:
            try:
                usage = orjson.loads(line).get("usage")
                asked = decode_request(orjson.dumps(recording["request"]["body"]))
            except (orjson.JSONDecodeError, AttributeError, InvalidRequest):
                # A recording of something else: an error page, or a request that our wire refuses.
                continue
            if usage:
                yield asked, usage["prompt_tokens"]


def test_no_recorded_prompt_was_longer_than_its_bound() -> None:
    pairs = list(_answered())
    assert len(pairs) > (100 if WITH_OTHERS else 5)
    assert [tokens for asked, tokens in pairs if tokens > input_tokens_at_most(asked, WINDOW)] == []


def test_a_prompt_that_may_be_compacted_first_is_read_and_answered_twice() -> None:
    asked = replace(request(Text("hi")), max_output_tokens=10, samplings=2)
    assert input_tokens_at_most(asked, WINDOW) == 2 * (100 + 2 * FRAME_TOKENS)
    assert output_tokens_at_most(asked, 16_384) == 20


def test_a_tool_that_is_priced_is_held_for_by_its_rounds_and_not_by_the_window() -> None:
    search = Tool(name="web_search", builtin={"type": "web_search"}, provider_run="web_search")
    asked = replace(request(Text("hi")), tools=(search,))
    once = 100 + 3 * FRAME_TOKENS + TOOLS_TOKENS
    offered = OfferedTools((OfferedTool("web_search", 10_000_000, most_uses=1, tokens=1_000),))
    assert input_tokens_at_most(asked, WINDOW, tools=offered, output_tokens=50) == 2 * (once + 50) + 3_000


def test_the_worst_case_has_the_price_of_each_use_of_a_tool() -> None:
    search = Tool(name="web_search", builtin={"type": "web_search"}, provider_run="web_search")
    asked = replace(request(Text("hi")), tools=(search,), max_output_tokens=10)
    agreed = terms(Tier.FAST, price_of(FLAT_PRICE), Sale("test"))
    free, paid = (OfferedTools((OfferedTool("web_search", price, 2, tokens=1_000),)) for price in (0, 10_000_000))
    held = [worst_case(asked, agreed, context_window=WINDOW, model_max=16_384, tools=tools) for tools in (free, paid)]
    # Two uses at the list price and 5 %.
    assert held[1] - held[0] == 21_000_000


def test_each_conversation_of_a_batch_is_framed_and_answered() -> None:
    messages = (Message(role="user", parts=(Text("hi"),)),)
    asked = replace(request(Text("hi")), max_output_tokens=10, batch=(messages, messages))
    assert input_tokens_at_most(asked, WINDOW) == 100 + 3 * 2 * 16
    assert input_tokens_at_most(asked, 50) == 150
    assert output_tokens_at_most(asked, 16_384) == 30
    assert output_tokens_at_most(replace(asked, choices=0), 16_384) == 30


def test_what_has_no_length_yet_may_fill_the_window_of_each_conversation() -> None:
    asked = request(Document(RemoteMedia("https://example.com/book.pdf")))
    assert input_tokens_at_most(replace(asked, batch=(asked.messages, asked.messages)), WINDOW) == 3 * WINDOW


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        (20, Usage(cache_read=2, input=3, cache_write_5m=4, cache_write_1h=5, output=7)),
        (10, Usage(cache_read=2, input=3, cache_write_5m=4, cache_write_1h=1, output=7)),
        (6, Usage(cache_read=2, input=3, cache_write_5m=1, output=7)),
        (4, Usage(cache_read=2, input=2, output=7)),
        (1, Usage(cache_read=1, output=7)),
    ],
)
def test_of_more_usage_than_the_bounds_the_dearer_classes_are_cut(prompt: int, kept: Usage) -> None:
    told = Usage(cache_read=2, input=3, cache_write_5m=4, cache_write_1h=5, output=9, uses=(("web_search", 1),))
    assert usage_at_most(told, prompt_tokens=prompt, output_tokens=7) == kept


def test_less_than_nothing_makes_no_room_for_other_usage() -> None:
    told = Usage(cache_read=-5, input=9, output=3)
    assert usage_at_most(told, prompt_tokens=6, output_tokens=7) == Usage(input=6, output=3)


def test_measured_sound_counts_by_its_seconds_and_not_by_its_bytes() -> None:
    heard = request(Audio(InlineMedia("a" * 90, "audio/wav")))
    assert input_tokens_at_most(heard, WINDOW) == 100 + 2 * FRAME_TOKENS
    measured = replace(heard, sound=MeasuredSound(source_bytes=90, tokens=40))
    assert input_tokens_at_most(measured, WINDOW) == 10 + 40 + 2 * FRAME_TOKENS
