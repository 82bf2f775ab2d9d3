"""Tests of embeddings: vectors keep their bytes, batches are split under one hold, and what fails costs nothing."""

import asyncio
import base64
import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import EntryKind, Tier
from gateway.canonical.usage import Usage
from gateway.http.routes import OperationRoute
from gateway.ports.upstream import Credential
from gateway.protocols import cohere_embed, openai_embeddings
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.embeddings import GeminiEmbeddings
from gateway.wiring.embeddings import embeddings
from tests.app.harness import RECORD, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.fakes.provider_keys import MemoryDataKeys, own_key

pytestmark = pytest.mark.anyio

PATH, COHERE_PATH, FIRST_COHERE_PATH = "/v1/embeddings", "/v2/embed", "/v1/embed"
SMALL = "text-embedding-3-small"
NANO_PER_TOKEN = 21  # $0.02 a million tokens, and 5 %.
# Texts of one number, each in a spelling of its own.
SPELT = ("0.1234567890123456789", "-1E-7", "1", "0.5")


def route_at(path: str, query: Mapping[str, str]) -> OperationRoute:
    if path == COHERE_PATH:
        return OperationRoute(partial(embeddings, cohere_embed.CLIENT))
    if path == FIRST_COHERE_PATH:
        return OperationRoute(partial(embeddings, cohere_embed.FIRST))
    if path == PATH:
        return OperationRoute(partial(embeddings, openai_embeddings.CLIENT))
    return OperationRoute(partial(embeddings, GeminiEmbeddings(parse_address(path, query))))


def listed(vectors: list[str], tokens: int | None = 7) -> bytes:
    """An answer of OpenAI's wire, its rows in reverse order."""
    rows = [f'{{"object": "embedding", "index": {index}, "embedding": {text}}}' for index, text in enumerate(vectors)]
    usage = f', "usage": {{"prompt_tokens": {tokens}, "total_tokens": {tokens}}}' if tokens is not None else ""
    return f'{{"object": "list", "data": [{",".join(reversed(rows))}], "model": "m"{usage}}}'.encode()


def provider(answer: Callable[[dict[str, Any]], bytes], *headers: str) -> Scripted:
    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        found = answer(orjson.loads(scripted.bodies[number - 1]))
        status = 200 if not found.startswith(b'{"error"') else 500
        writer.write(sized(status, found, *headers))
        await writer.drain()

    scripted = Scripted(script)
    return scripted


def one_number(body: dict[str, Any]) -> bytes:
    """Answers each text with its last character, and each with one token."""
    given = [body["input"]] if isinstance(body["input"], str) else body["input"]
    return listed([f"[{text[-1]}]" for text in given], len(given))


async def ask(gateway: AppUnderTest, body: Any, path: str = PATH, **more: Any) -> Answer:
    return await gateway.ask(body, path=path, **more)


def under(scripted: Scripted, row: str = "openai", **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url, {"region": "us-east-1"})}
    return app_under_test(scripted.base_url, wire_at=route_at, rows=rows, **more)


async def test_a_vector_keeps_the_bytes_of_its_provider() -> None:
    vector = f"[{', '.join(SPELT)}]"
    async with provider(lambda _: listed([vector])) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "Hello", "user": "u1"})
        assert f'"embedding":{vector}'.encode() in answer.body
        assert orjson.loads(openai.bodies[0]) == {"input": ["Hello"], "model": SMALL, "encoding_format": "float"}
        told = answer.json
        assert (answer.status, told["model"], told["usage"]) == (200, SMALL, {"prompt_tokens": 7, "total_tokens": 7})
        assert told["nexevo"]["cost_usd"] == "0.000000147"
        assert answer.headers["x-usage-input-tokens"] == "7"
        look = await gateway.look()
        assert (look.entries[-1].amount_nanousd, look.holds) == (-7 * NANO_PER_TOKEN, ())


async def test_base64_is_the_providers_own_and_is_made_of_numbers_where_it_has_none() -> None:
    packed = base64.b64encode(struct.pack("<3f", 0.1, -2.5, 1e-7)).decode()
    async with provider(lambda _: listed([f'"{packed}"'])) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "Hello", "encoding_format": "base64"})
        assert orjson.loads(openai.bodies[0])["encoding_format"] == "base64"
        assert answer.json["data"][0]["embedding"] == packed
    async with provider(lambda _: listed(["[0.1, -2.5, 1e-7]"])) as mistral, under(mistral, "mistral") as gateway:
        answer = await ask(gateway, {"model": "mistral-embed", "input": "Hello", "encoding_format": "base64"})
        assert "encoding_format" not in orjson.loads(mistral.bodies[0])
        assert answer.json["data"][0]["embedding"] == packed


async def test_a_batch_is_split_to_the_providers_limit_and_comes_back_in_order_under_one_hold() -> None:
    texts = [f"text {number % 10}" for number in range(35)]
    async with provider(one_number) as qwen, under(qwen, "qwen") as gateway:
        answered = await ask(gateway, {"model": "bge-m3", "input": texts})
        rows = answered.json["data"]
        assert [len(orjson.loads(body)["input"]) for body in qwen.bodies] == [10, 10, 10, 5]
        assert [(row["index"], row["embedding"]) for row in rows] == [(n, [n % 10]) for n in range(35)]
        assert answered.json["usage"]["prompt_tokens"] == 35
        look = await gateway.look()
        kinds = [entry.kind for entry in look.entries]
        assert (kinds.count(EntryKind.CHARGE), look.holds) == (1, ())


async def test_texts_are_split_by_their_length_too() -> None:
    async with provider(one_number) as mistral, under(mistral, "mistral") as gateway:
        answer = await ask(
            gateway, {"model": "mistral-embed", "input": ["x" * 16_000 + "1", "2", "y" * 400 + "3", "4"]}
        )
        assert [row["embedding"] for row in answer.json["data"]] == [[1], [2], [3], [4]]
        assert [len(orjson.loads(body)["input"]) for body in mistral.bodies] == [2, 2]


async def test_a_batch_of_which_one_part_fails_costs_nothing_and_answers_nothing() -> None:
    failed = b'{"error": {"message": "Try again.", "type": "server_error"}}'

    def answer(body: dict[str, Any]) -> bytes:
        return failed if "7" in body["input"] else one_number(body)

    async with provider(answer) as qwen, under(qwen, "qwen") as gateway:
        answered = await ask(gateway, {"model": "bge-m3", "input": [str(n % 8) for n in range(8)] * 2})
        look = await gateway.look()
        assert (answered.status, answered.error["type"], look.holds) == (502, "upstream_error", ())
        assert {entry.kind for entry in look.entries} == {EntryKind.CREDIT, EntryKind.RELEASE}


async def test_a_part_that_fails_once_is_asked_again_by_itself() -> None:
    failed = b'{"error": {"message": "Try again.", "type": "server_error"}}'
    seen: list[str] = []

    def answer(body: dict[str, Any]) -> bytes:
        seen.append(body["input"][0])
        return failed if seen.count("10") == 1 and seen[-1] == "10" else one_number(body)

    async with provider(answer) as qwen, under(qwen, "qwen") as gateway:
        answered = await ask(gateway, {"model": "bge-m3", "input": [str(number) for number in range(30)]})
        assert [row["embedding"] for row in answered.json["data"]] == [[number % 10] for number in range(30)]
        assert sorted(seen) == ["0", "10", "10", "20"]
        assert len(answered.headers["x-nexevo-models-tried"].split(",")) == 1


async def test_a_provider_that_reports_no_usage_is_charged_by_estimate() -> None:
    async with provider(lambda _: listed(["[1]"], None)) as openai, under(openai) as gateway:
        await ask(gateway, {"model": SMALL, "input": "x" * 300})
        charge = (await gateway.look()).entries[-1].charge
        assert charge is not None
        assert (charge.usage.input, charge.estimated) == (75, True)


UNCOUNTED = b'{"embeddings": [{"values": [1]}]}'


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("hello", 2),
        ("a" * 200, 50),
        (" " * 50, 1),
        ("Carson City", 3),
        ("\u91cd\u7f6e\u5458\u5de5", 4),
        ("x" * 90_000, 2_048),
    ],
)
async def test_every_wire_tells_the_tokens_that_are_billed_where_no_provider_counts(text: str, tokens: int) -> None:
    model = "gemini-embedding-001"
    googles = {"content": {"parts": [{"text": text}]}}
    coheres = {"model": model, "texts": [text], "input_type": "search_query"}
    async with provider(lambda _: UNCOUNTED) as gemini, under(gemini, "gemini") as gateway:
        openais = await ask(gateway, {"model": model, "input": text})
        google = await ask(gateway, googles, f"/v1beta/models/{model}:embedContent")
        cohere = await ask(gateway, coheres, COHERE_PATH)
        charges = [entry.charge for entry in (await gateway.look()).entries if entry.charge is not None]
    assert [(charge.usage.input, charge.estimated) for charge in charges] == [(tokens, True)] * 3
    assert openais.json["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert google.json["usageMetadata"] == {"promptTokenCount": tokens}
    assert cohere.json["meta"]["billed_units"] == {"input_tokens": tokens}
    assert {one.headers["x-usage-input-tokens"] for one in (openais, google, cohere)} == {str(tokens)}


async def test_what_is_told_of_tokens_is_what_is_charged_where_a_provider_reports_more() -> None:
    async with provider(lambda _: listed(["[1]"], 9_001)) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "x" * 10_000})
        charge = (await gateway.look()).entries[-1].charge
        assert charge is not None
        assert charge.usage.input == answer.json["usage"]["prompt_tokens"] == 8_192
        assert answer.headers["x-usage-input-tokens"] == "8192"


async def test_usage_beyond_what_the_request_can_have_caused_is_not_charged() -> None:
    async with provider(lambda _: listed(["[1]"], 10**6)) as openai, under(openai) as gateway:
        body = orjson.dumps({"model": SMALL, "input": "Hello"})
        await ask(gateway, body)
        assert (await gateway.look()).entries[-1].amount_nanousd == -(len(body) + 16) * NANO_PER_TOKEN


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([1, 2, 3], [[1, 2, 3]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        (["a", "b"], ["a", "b"]),
        ("a", ["a"]),
    ],
)
async def test_texts_and_tokens_reach_openai(given: Any, sent: Any) -> None:
    async with provider(lambda body: listed(["[1]"] * len(body["input"]))) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": given})
        assert (answer.status, orjson.loads(openai.bodies[0])["input"]) == (200, sent)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": SMALL}, 400, "input"),
        ({"model": SMALL, "input": ""}, 400, "input"),
        ({"model": SMALL, "input": []}, 400, "input"),
        ({"model": SMALL, "input": ["a", ""]}, 400, "input[1]"),
        ({"model": SMALL, "input": ["a", 1]}, 400, "input[1]"),
        ({"model": SMALL, "input": [1, "a"]}, 400, "input[1]"),
        ({"model": SMALL, "input": 7}, 400, "input"),
        ({"input": "a"}, 400, "model"),
        ({"model": SMALL, "input": "a", "encoding_format": "hex"}, 400, "encoding_format"),
        ({"model": SMALL, "input": "a", "dimensions": 0}, 400, "dimensions"),
        ({"model": SMALL, "input": "a", "dimensions": 1537}, 400, "dimensions"),
        ({"model": "text-embedding-ada-002", "input": "a", "dimensions": 256}, 400, "dimensions"),
        ({"model": "voyage-3", "input": "a", "dimensions": 512}, 400, "dimensions"),
        ({"model": "voyage-3.5", "input": "a", "dimensions": 300}, 400, "dimensions"),
        ({"model": "voyage-3", "input": [1, 2]}, 400, "input"),
        ({"model": SMALL, "input": "a", "input_type": "poem"}, 400, "input_type"),
        ({"model": SMALL, "input": "a", "temperature": 1}, 400, "temperature"),
        ({"model": SMALL, "input": "a", "api_base": "http://x"}, 400, "api_base"),
        ({"model": SMALL, "input": "a", "max_price": {"prompt": "0.01"}}, 400, "max_price"),
        ({"model": SMALL, "input": "a", "max_price": {"total": "0.0000000001"}}, 400, "max_price"),
        ({"model": "text-embedding-3-large", "input": ["a"] * 4_000}, 400, "input"),
        ({"model": SMALL, "input": [7] * 8_193}, 400, "input"),
        ({"model": SMALL, "input": [[7], [7] * 8_193]}, 400, "input"),
        ({"model": "gpt-4o", "input": "a"}, 404, "model"),
    ],
)
async def test_what_cannot_be_embedded_is_refused_before_anything_is_sent(body: Any, status: int, param: str) -> None:
    async with provider(one_number) as openai, under(openai) as gateway:
        answer = await ask(gateway, body)
        assert (answer.status, answer.error["param"], openai.bodies) == (status, param, [])


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"data": []}',
        listed(["[1]", "[2]"]),
        listed(["null"]),
        b'{"data": [{"index": 1, "embedding": [1]}]}',
        b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]}',
    ],
)
async def test_an_answer_without_one_vector_for_each_input_is_an_error_and_free(body: bytes) -> None:
    async with provider(lambda _: body) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "a"})
        look = await gateway.look()
        assert (answer.status, look.holds) == (502, ())
        assert [entry for entry in look.entries if entry.kind is EntryKind.CHARGE] == []


async def test_a_failed_target_is_followed_by_the_next() -> None:
    failed = b'{"error": {"message": "Try again.", "type": "server_error"}}'
    async with provider(lambda _: failed) as openai, provider(lambda _: listed(["[1]"])) as azure:
        rows = {"openai": Credential("a", openai.base_url), "azure": Credential("b", azure.base_url)}
        async with app_under_test("", wire_at=route_at, rows=rows) as gateway:
            answer = await ask(gateway, {"model": SMALL, "input": "a"})
            assert (answer.status, len(openai.bodies), len(azure.bodies)) == (200, 1, 1)
            assert azure.heads[0].startswith(b"POST /v1/openai/v1/embeddings ")


async def test_a_keys_models_and_region_are_kept_to() -> None:
    async with provider(one_number) as openai, under(openai) as gateway:
        (hashed,) = gateway.keys.records
        for limit, status in ({"allowed_models": ("nexevo/*",)}, 403), ({"region_policy": "cn-only"}, 403):
            gateway.keys.records[hashed] = replace(RECORD, **limit)
            assert (await ask(gateway, {"model": SMALL, "input": "a1"})).status == status
        gateway.keys.records[hashed] = replace(RECORD, allowed_models=("nexevo/*",))
        answer = await ask(gateway, {"model": "nexevo/embed-fast", "input": "a1"})
        assert (answer.status, answer.json["model"]) == (200, "nexevo/embed-fast")
        assert answer.headers["x-nexevo-model-used"] == SMALL


async def test_a_keys_tokens_a_minute_and_its_users_are_limited() -> None:
    async with provider(one_number) as openai, under(openai) as gateway:
        (hashed,) = gateway.keys.records
        gateway.keys.records[hashed] = replace(RECORD, tpm_limit=1_000)
        refused = await ask(gateway, {"model": SMALL, "input": ["x" * 6_000 + "1"]})
        assert (refused.status, refused.error["type"]) == (429, "rate_limit_error")
        gateway.keys.records[hashed] = replace(RECORD, user_rpm_limit=1)
        statuses = [(await ask(gateway, {"model": SMALL, "input": "1", "user": user})).status for user in "aab"]
        assert statuses == [200, 429, 200]


async def test_a_repeated_key_brings_the_same_answer_and_one_charge() -> None:
    async with provider(one_number) as openai, under(openai) as gateway:
        asked = partial(ask, gateway, {"model": SMALL, "input": "a1"}, headers={"idempotency-key": "once"})
        first, again = await asked(), await asked()
        assert (first.body, len(openai.bodies)) == (again.body, 1)


async def test_too_little_money_is_refused_by_the_worst_case() -> None:
    async with provider(one_number) as openai, under(openai, balance_usd=0) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "a1"})
        assert (answer.status, openai.bodies) == (402, [])


async def test_the_largest_answer_comes_whole() -> None:
    vector = f"[{','.join(['0.0123456789'] * 3072)}]"
    answering = provider(lambda body: listed([vector] * len(body["input"])))
    async with answering as openai, under(openai, memory_mb=1_024) as gateway:
        answer = await ask(gateway, {"model": "text-embedding-3-large", "input": ["text"] * 2_048})
        assert (answer.status, len(answer.json["data"])) == (200, 2_048)
        assert len(answer.body) > 80_000_000
        assert [len(orjson.loads(body)["input"]) for body in openai.bodies] == [162] * 12 + [104]


COHERES = orjson.dumps(
    {
        "id": "1",
        "embeddings": {"float": [[0.5, 1]], "int8": [[-3, 4]]},
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 2}},
    }
)


async def test_coheres_wire_gets_vectors_by_form_and_errors_in_its_shape() -> None:
    body = {"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query", "embedding_types": ["int8", "float"]}
    async with provider(lambda _: COHERES) as cohere, under(cohere, "cohere") as gateway:
        answer = await ask(gateway, body | {"output_dimension": 256, "truncate": "NONE"}, COHERE_PATH)
        assert orjson.loads(cohere.bodies[0]) == body | {"output_dimension": 256, "truncate": "NONE"}
        told = answer.json
        assert told["embeddings"] == {"int8": [[-3, 4]], "float": [[0.5, 1]]}
        assert (told["texts"], told["response_type"]) == (["a"], "embeddings_by_type")
        assert told["meta"]["billed_units"] == {"input_tokens": 2}
        refused = await ask(gateway, {"model": "embed-v4.0", "texts": ["a"]}, COHERE_PATH)
        assert (refused.status, refused.json["message"]) == (400, "Missing required parameter: 'input_type'.")
        foreign = await ask(gateway, body | {"model": SMALL}, COHERE_PATH)
        assert (foreign.status, foreign.json["param"]) == (400, "embedding_types")


async def test_coheres_first_version_gets_a_plain_list_unless_it_names_forms_and_need_not_name_a_use() -> None:
    body = {"model": "embed-v4.0", "texts": ["a"], "truncate": None}
    async with provider(lambda _: COHERES) as cohere, under(cohere, "cohere") as gateway:
        plain = await ask(gateway, body, FIRST_COHERE_PATH)
        assert (plain.json["embeddings"], plain.json["response_type"]) == ([[0.5, 1]], "embeddings_floats")
        assert plain.json["meta"] == {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 2}}
        assert orjson.loads(cohere.bodies[0])["input_type"] == "search_document"
        typed = await ask(gateway, body | {"embedding_types": ["float"]}, FIRST_COHERE_PATH)
        assert (typed.json["embeddings"], typed.json["response_type"]) == ({"float": [[0.5, 1]]}, "embeddings_by_type")


@pytest.mark.parametrize("member", ["encoding_format", "embedding_type", "encoding_type"])
async def test_the_form_has_jinas_names_too(member: str) -> None:
    async with provider(lambda _: listed(['"AACAPw=="'])) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": SMALL, "input": "a", member: "base64"})
        assert (answer.status, orjson.loads(openai.bodies[0])["encoding_format"]) == (200, "base64")
        assert answer.json["data"][0]["embedding"] == "AACAPw=="
        refused = await ask(gateway, {"model": SMALL, "input": "a", member: "hex"})
        assert (refused.status, refused.error["param"]) == (400, member)


async def test_geminis_wire_embeds_one_content_and_a_batch() -> None:
    content = {"content": {"parts": [{"text": "a1"}]}, "outputDimensionality": 256}
    async with provider(one_number) as openai, under(openai) as gateway:
        model = f"/v1beta/models/{SMALL}"
        one = await ask(gateway, content | {"model": f"models/{SMALL}"}, f"{model}:embedContent")
        assert (one.json["embedding"], one.json["usageMetadata"]) == ({"values": [1]}, {"promptTokenCount": 1})
        several = [content, content | {"content": {"parts": [{"text": "b2"}]}}]
        batch = await ask(gateway, {"requests": several}, f"{model}:batchEmbedContents")
        assert batch.json["embeddings"] == [{"values": [1]}, {"values": [2]}]
        mixed = await ask(
            gateway, {"requests": [content, {"content": content["content"]}]}, f"{model}:batchEmbedContents"
        )
        assert (mixed.status, mixed.error["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("place", [0, 1])
async def test_a_batch_of_geminis_wire_is_of_the_model_that_its_url_names(place: int) -> None:
    content = {"content": {"parts": [{"text": "a1"}]}, "model": f"models/{SMALL}"}
    several = [content, content]
    several[place] = content | {"model": "models/text-embedding-3-large"}
    async with provider(one_number) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"requests": several}, f"/v1beta/models/{SMALL}:batchEmbedContents")
        same = await ask(gateway, {"requests": [content, content]}, f"/v1beta/models/{SMALL}:batchEmbedContents")
        assert (answer.status, same.status, len(openai.bodies)) == (400, 200, 1)
        assert f"requests[{place}]" in answer.error["message"]


async def test_bedrocks_tokens_are_read_from_its_header() -> None:
    body = b'{"embeddings": {"float": [[0.5]]}, "id": "1", "response_type": "embeddings_by_type"}'
    scripted = provider(lambda _: body, "X-Amzn-Bedrock-Input-Token-Count: 9")
    async with scripted as bedrock, under(bedrock, "bedrock") as gateway:
        answer = await ask(gateway, {"model": "embed-english-v3.0", "input": "a", "input_type": "query"})
        assert (answer.status, answer.json["usage"]["prompt_tokens"]) == (200, 9)
        assert bedrock.heads[0].startswith(b"POST /v1/model/cohere.embed-english-v3/invoke ")
        assert orjson.loads(bedrock.bodies[0])["input_type"] == "search_query"


async def test_an_accounts_own_key_pays_the_fee_alone() -> None:
    operation = embeddings(openai_embeddings.CLIENT)
    request = openai_embeddings.CLIENT.decode_request(orjson.dumps({"model": SMALL, "input": "a"}))
    plan = operation.plan(Principal("acct_test", RECORD), request)
    key = await own_key("acct_test", "openai", "sk-own", MemoryDataKeys())
    candidate = replace(plan.candidates[0], own=key)
    cost = operation.meter(request, plan).cost(candidate, Usage(input=10))
    assert (cost.nanousd, cost.tier) == (0, Tier.BYOK)
