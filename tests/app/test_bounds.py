"""Tests that a request or an answer takes no more memory, levels or time than its size warrants."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.canonical.json_bounds import DEPTH_MAX, VALUES_MAX
from gateway.ports.upstream import Credential
from tests.app.harness import CHAT, SSE_HEAD, delta, event, sized, usage
from tests.app.test_answers import answering, asked
from tests.app.test_served_wires import CLIENTS, MESSAGES, RESPONSES, gateway, question
from tests.app.test_streams import DONE, streamed

pytestmark = pytest.mark.anyio

MODELS = ("gpt-4o", "gpt-5", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat")
# What an example's schema is within: its tool, and the wire's members above it.
LEVELS_AROUND = 20


def nested(levels: int) -> orjson.Fragment:
    """Builds a schema of so many levels; orjson itself would not write the deepest."""
    half = levels // 2
    return orjson.Fragment(b'{"type":"object","properties":{"a":' * half + b'{"type":"string"}' + b"}}" * half)


def tools(wire: str, schema: Any) -> list[dict[str, Any]]:
    match wire:
        case "openai_chat":
            return [{"type": "function", "function": {"name": "deep", "parameters": schema}}]
        case "openai_responses":
            return [{"type": "function", "name": "deep", "parameters": schema}]
        case "anthropic_messages":
            return [{"name": "deep", "input_schema": schema}]
        case _:
            return [{"functionDeclarations": [{"name": "deep", "parametersJsonSchema": schema}]}]


@pytest.fixture
def anyio_backend() -> str:
    """Uses real time, because the simulated providers are another process."""
    return "asyncio"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("wire", CLIENTS)
async def test_levels_that_cannot_be_written_again_are_a_400_and_all_others_are_not(
    credentials: Mapping[str, Credential], wire: str, model: str
) -> None:
    path, body = question(wire, model, 500, stream=False)
    async with gateway(credentials) as nexgate:
        for levels in (DEPTH_MAX, 256, 300, 900):
            refused = await nexgate.ask({**body, "tools": tools(wire, nested(levels))}, path=path)
            assert (refused.status, "254 levels" in refused.body.decode()) == (400, True)
        for levels in (200, 230, DEPTH_MAX - LEVELS_AROUND):
            served = await nexgate.ask({**body, "tools": tools(wire, nested(levels))}, path=path)
            assert served.status < 500, served.body


@pytest.mark.parametrize(("path", "member"), [(CHAT, "messages"), (MESSAGES, "messages"), (RESPONSES, "input")])
async def test_more_values_than_memory_bears_are_a_400(
    credentials: Mapping[str, Credential], path: str, member: str
) -> None:
    body = b'{"model":"gpt-4o","%s":[%s]}' % (member.encode(), b",".join([b"[]"] * (VALUES_MAX + 1)))
    async with gateway(credentials) as nexgate:
        refused = await nexgate.ask(body, path=path)
    assert (refused.status, "1000000 values" in refused.body.decode()) == (400, True)


async def test_a_flood_of_frames_without_content_is_the_providers_failure_and_costs_nothing() -> None:
    flood = b"".join(event(delta(junk="x" * 60_000)) for _ in range(80))
    answer, tries, spent = await streamed(SSE_HEAD, flood, event(delta("Hello!")), event(usage()), DONE)
    assert (b"without any content" in answer.body, b"Hello!" in answer.body, tries > 1, spent) == (True, False, True, 0)


async def test_frames_without_content_within_the_bound_are_passed_on() -> None:
    some = b"".join(event(delta(junk="x" * 60_000)) for _ in range(20))
    answer, tries, spent = await streamed(SSE_HEAD, some, event(delta("Hello!")), event(usage()), DONE)
    assert (answer.status, answer.text, tries, spent > 0) == (200, "Hello!", 1, True)
    assert answer.body.count(b'"junk"') == 20


async def test_an_answer_that_no_function_of_this_size_can_hold_is_the_providers_failure() -> None:
    huge = orjson.dumps({"choices": [], "padding": "x" * (13 * 1024 * 1024)})
    answer, _, spent = await asked(answering(sized(200, huge)))
    assert (answer.status, "too large" in answer.error["message"], spent) == (502, True, 0)
