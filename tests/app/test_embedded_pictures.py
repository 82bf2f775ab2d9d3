"""Tests of pictures to embed: named in each wire's words, read before the hold, and paid by what vendors count."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import orjson
import pytest

from gateway.auth.principal import Principal
from gateway.files.inputs import MediaInputs
from gateway.http.routes import OperationRoute
from gateway.operations import embedding_pictures
from gateway.operations.embeddings import EmbeddingsOperation, EmbeddingsWire
from gateway.ports.upstream import Credential
from gateway.protocols import cohere_embed, openai_embeddings
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.embeddings import GeminiEmbeddings
from gateway.wiring.embeddings import CATALOG
from tests.app.harness import ACCOUNT, RECORD, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.fakes.media import MemoryMediaObjects
from tests.generation.studio import Web
from tests.untrusted.file_forms import PDF
from tests.untrusted.pillow_files import PNG
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

FILE = "file-nxn-01m7ydax8g00000000"
BASE64 = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{BASE64}"
GEMINI = "/v1beta/models/gemini-embedding-2:embedContent"


class Bench:
    """The app before a provider, over a bucket with files."""

    def __init__(self, app: AppUnderTest, provider: Scripted, objects: MemoryMediaObjects) -> None:
        self.app, self.provider, self.objects = app, provider, objects

    async def ask(self, body: Any, path: str = "/v1/embeddings") -> Answer:
        return await self.app.ask(body, path=path)

    def sent(self) -> Any:
        return orjson.loads(self.provider.bodies[-1])

    async def charged(self) -> int:
        look = await self.app.look()
        assert look.holds == ()
        return -look.entries[-1].amount_nanousd


@asynccontextmanager
async def bench(row: str, answer: bytes, files: dict[str, bytes] | None = None, **more: Any) -> AsyncIterator[Bench]:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, answer))
        await writer.drain()

    objects = MemoryMediaObjects()
    await objects.put(f"uploads/{ACCOUNT}/{FILE}", PNG, "application/octet-stream")
    inputs = MediaInputs(objects, Web(files or {}), LoopClock())

    def route_at(path: str, query: Any) -> OperationRoute:
        wires: dict[str, EmbeddingsWire] = {
            "/v1/embeddings": openai_embeddings.CLIENT,
            "/v2/embed": cohere_embed.CLIENT,
        }
        wire = wires.get(path) or GeminiEmbeddings(parse_address(path, query))
        return OperationRoute(partial(EmbeddingsOperation, wire, CATALOG, lambda: inputs))

    async with Scripted(script) as provider:
        rows = {row: Credential("key", provider.base_url, {"region": "us-east-1"})}
        async with app_under_test(provider.base_url, wire_at=route_at, rows=rows, **more) as app:
            yield Bench(app, provider, objects)


COHERE = b'{"embeddings":{"float":[[1]]},"meta":{"billed_units":{"input_tokens":2,"image_tokens":1000}}}'
COHERE_COST = 2 * 126 + 1000 * 4935 // 10  # $0.12 and $0.47 a million, and 5 %.


def parts(*shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"content": [{"type": "text", "text": "A cat"}, *shown]}]


@pytest.mark.parametrize("given", [DATA_URL, FILE, BASE64])
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v2/embed", lambda given: {"inputs": parts({"type": "image_url", "image_url": {"url": given}})}),
        ("/v1/embeddings", lambda given: {"input": [{"text": "A cat", "image": given}]}),
        ("/v1/embeddings", lambda given: {"input": parts({"type": "image_base64", "image_base64": given})}),
        ("/v1/embeddings", lambda given: {"input": parts({"type": "image_url", "image_url": given})}),
    ],
)
async def test_a_picture_in_any_wires_words_reaches_cohere_as_its_bytes_and_is_paid_by_its_tokens(
    path: str, asked: Callable[[str], dict[str, Any]], given: str
) -> None:
    async with bench("cohere", COHERE) as on:
        more = {"input_type": "search_document"} if path == "/v2/embed" else {}
        answer = await on.ask({"model": "embed-v4.0", **more, **asked(given)}, path)
        assert answer.status == 200, answer.body
        text, picture = on.sent()["inputs"][0]["content"]
        assert (text, picture) == (
            {"type": "text", "text": "A cat"},
            {"type": "image_url", "image_url": {"url": DATA_URL}},
        )
        assert "texts" not in on.sent()
        assert await on.charged() == COHERE_COST


async def test_an_address_elsewhere_is_fetched_and_its_picture_sent_as_bytes() -> None:
    async with bench("cohere", COHERE, files={"https://pictures.test/a.png": PNG}) as on:
        answer = await on.ask({"model": "embed-v4.0", "input": [{"image": "https://pictures.test/a.png"}]})
        assert (answer.status, on.sent()["inputs"][0]["content"][0]["image_url"]) == (200, {"url": DATA_URL})


async def test_pictures_that_their_vendor_did_not_count_are_charged_by_estimate() -> None:
    async with bench("cohere", COHERE.replace(b',"image_tokens":1000', b"")) as on:
        answer = await on.ask({"model": "embed-v4.0", "input": [{"text": "A cat", "image": DATA_URL}]})
        charge = (await on.app.look()).entries[-1].charge
        assert charge is not None
        assert (charge.estimated, charge.usage.uses) == (True, (("image_token", 800),))
        assert answer.json["usage"]["prompt_tokens"] == charge.usage.input == 2
        assert await on.charged() == 2 * 126 + 800 * 4935 // 10


async def test_pictures_above_the_bound_together_are_refused_at_the_one_that_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedding_pictures, "PICTURES_BYTES_MAX", 2 * len(PNG))
    body = {"model": "embed-v4.0", "input": [{"image": DATA_URL}] * 3}
    async with bench("cohere", COHERE) as on:
        answer = await on.ask(body)
        assert (answer.status, answer.error["param"], on.provider.bodies) == (413, "input[2].image", [])


async def test_coheres_images_are_an_input_each() -> None:
    two = COHERE.replace(b"[[1]]", b"[[1],[2]]")
    async with bench("cohere", two) as on:
        body = {"model": "embed-v4.0", "input_type": "image", "images": [DATA_URL, FILE], "embedding_types": ["float"]}
        answer = await on.ask(body, "/v2/embed")
        assert (answer.status, answer.json["texts"], len(answer.json["embeddings"]["float"])) == (200, [], 2)
        assert [len(one["content"]) for one in on.sent()["inputs"]] == [1, 1]


async def test_geminis_parts_hold_pictures_and_its_details_tell_their_tokens() -> None:
    details = b'"promptTokenDetails":[{"modality":"TEXT","tokenCount":2},{"modality":"IMAGE","tokenCount":258}]'
    told = b'{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":260,%b}}' % details
    async with bench("gemini", told) as on:
        picture = {"inlineData": {"mimeType": "image/png", "data": BASE64}}
        answer = await on.ask({"content": {"parts": [{"text": "A cat"}, picture]}}, GEMINI)
        assert answer.status == 200, answer.body
        assert on.sent()["requests"][0]["content"]["parts"] == [{"text": "A cat"}, picture]
        assert await on.charged() == 2 * 210 + (258 * 4725 + 5) // 10
        named = await on.ask({"content": {"parts": [{"fileData": {"fileUri": FILE}}]}}, GEMINI)
        assert (named.status, on.sent()["requests"][0]["content"]["parts"]) == (200, [picture])


async def test_voyages_pixels_and_titans_pictures_are_paid_apart() -> None:
    usage = b'"usage":{"text_tokens":2,"image_pixels":100000,"total_tokens":180}'
    async with bench("voyage", b'{"data":[{"index":0,"embedding":[1]}],%b}' % usage) as on:
        answer = await on.ask({"model": "voyage-multimodal-3", "input": [{"text": "A cat", "image": DATA_URL}]})
        assert (answer.status, answer.json["usage"]["prompt_tokens"]) == (200, 2)
        assert on.provider.heads[0].startswith(b"POST /v1/multimodalembeddings ")
        assert on.sent()["inputs"][0]["content"][1] == {"type": "image_base64", "image_base64": DATA_URL}
        assert await on.charged() == 2 * 126 + 63_000
    async with bench("bedrock", b'{"embedding":[1],"inputTextTokenCount":2}') as on:
        answer = await on.ask({"model": "titan-embed-image-v1", "input": [{"text": "A cat", "image": DATA_URL}]})
        assert (answer.status, on.sent()) == (200, {"inputText": "A cat", "inputImage": BASE64})
        assert await on.charged() == 2 * 840 + 63_000


@pytest.mark.parametrize(
    ("model", "given", "status", "param"),
    [
        ("text-embedding-3-small", [{"image": DATA_URL}], 400, "input[0].image"),
        ("embed-english-v3.0", ["a", {"image": DATA_URL}], 400, "input[1].image"),
        ("jina-clip-v2", [{"text": "a", "image": DATA_URL}], 400, "input[0].image"),
        ("embed-v4.0", [{"image": "http://pictures.test/a.png"}], 400, "input[0].image"),
        ("embed-v4.0", [{"image": "data:image/png;base64,AAAA"}], 400, "input[0].image"),
        ("embed-v4.0", [{"image": "bm8gcGljdHVyZQ=="}], 400, "input[0].image"),
        (
            "embed-v4.0",
            [{"image": "data:application/pdf;base64," + base64.b64encode(PDF).decode()}],
            400,
            "input[0].image",
        ),
        ("embed-v4.0", [{"image": "file-nxn-01m7ydax8g00000009"}], 404, "input[0].image"),
        ("embed-v4.0", [{"image": ""}], 400, "input[0].image"),
        ("embed-v4.0", [{}], 400, "input[0].text"),
        ("embed-v4.0", [{"video": "x"}], 400, "input[0].video"),
        ("embed-v4.0", [{"content": []}], 400, "input[0].content"),
        ("embed-v4.0", [{"content": [{"type": "video"}]}], 400, "input[0].content[0].type"),
        ("embed-v4.0", [{"content": [{"type": "text", "text": "a"}] * 2}], 400, "input[0].content[1]"),
    ],
)
async def test_a_picture_that_cannot_be_embedded_is_refused_by_name_and_free(
    model: str, given: Any, status: int, param: str
) -> None:
    async with bench("cohere", COHERE) as on:
        answer = await on.ask({"model": model, "input": given})
        look = await on.app.look()
        assert (answer.status, answer.error["param"]) == (status, param), answer.body
        assert (on.provider.bodies, look.holds, len(look.entries)) == ([], (), 1)


async def test_the_hold_is_for_the_largest_picture_and_not_for_the_base64() -> None:
    async with bench("cohere", COHERE, balance_usd=0) as on:
        answer = await on.ask({"model": "embed-v4.0", "input": [{"image": DATA_URL}]})
        assert (answer.status, on.provider.bodies) == (402, [])
    operation = EmbeddingsOperation(openai_embeddings.CLIENT, CATALOG)
    body = orjson.dumps({"model": "embed-v4.0", "input": [{"image": "data:image/png;base64," + "A" * 1_000_000}]})
    request = openai_embeddings.CLIENT.decode_request(body)
    plan = operation.plan(Principal("acct_test", RECORD), request)
    # 16 tokens around an input at $0.12 a million, 3,200 of a picture at $0.47, and 5 %.
    assert operation.meter(request, plan).worst_case(0) == 16 * 126 + 3_200 * 4935 // 10
