"""Tests of pictures: what reaches the provider, in which form they come back, and what is paid, to the nano-dollar."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import orjson
import pytest

from gateway.canonical.money import EntryKind
from gateway.errors import NotFound, UpstreamError
from gateway.http.routes import OperationRoute
from gateway.operations.image_files import ImageFiles
from gateway.operations.images import ImagesOperation, Studio
from gateway.pipeline.provider_client import WholeAnswer
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.openai_images import EDITS, GENERATIONS, VARIATIONS
from gateway.untrusted.fetch import Fetched, Opened
from gateway.untrusted.file_types import FileType
from gateway.wiring.images import CATALOG
from local.providers import drawing
from local.providers.forms import members
from tests.app.harness import ACCOUNT, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.fakes.media import MemoryMediaObjects
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

PATH, EDIT, VARY = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
WIRES = {PATH: GENERATIONS, EDIT: EDITS, VARY: VARIATIONS}
PNG = drawing.drawn("a cat", 64, 64)
PICTURE = base64.b64encode(PNG).decode()
GPT, DALL_E = "gpt-image-1", "dall-e-3"
USAGE = {
    "input_tokens": 13,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 13},
    "output_tokens": 1056,
    "total_tokens": 1069,
}
# 13 tokens at $5 and 1,056 at $40 a million, and 5 %.
GPT_NANO = (13 * 5_000 + 1056 * 40_000) * 105 // 100
# 660 tokens of pictures, at $10.
EDITED = {**USAGE, "input_tokens": 673, "input_tokens_details": {"image_tokens": 660, "text_tokens": 13}}
EDITED_NANO = GPT_NANO + 660 * 10_000 * 105 // 100
DALL_E_NANO = 42_000_000
COST = "0.04442025"


class Inputs:
    """The files that requests name."""

    def __init__(self) -> None:
        self.files = {"file-nxn-1": PNG, "https://pictures.test/a.png": PNG}
        self.asked: list[tuple[str, str]] = []

    async def read(
        self, account_id: str, given: str, param: str, accepted: Any, bytes_max: int | None = None
    ) -> Fetched:
        del accepted, bytes_max
        self.asked.append((account_id, given))
        if given not in self.files:
            raise NotFound("There is no such file.", param=param, code="file_not_found")
        return Fetched(self.files[given], FileType.PNG)


class Source:
    """A provider's file."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content

    @asynccontextmanager
    async def opened(self, first_byte: int = 0) -> AsyncIterator[Opened]:
        if self._content is None:
            raise UpstreamError("The provider's file answers with status 404.")

        async def pieces() -> AsyncIterator[bytes]:
            yield (self._content or b"")[first_byte:]

        yield Opened(pieces(), first_byte, len(self._content), "image/png")


class Wiring:
    """A studio over stores in memory."""

    def __init__(self) -> None:
        self.objects, self.inputs = MemoryMediaObjects(), Inputs()
        self.at: dict[str, bytes] = {}
        self.answers: list[WholeAnswer] = []
        self.polled: list[UpstreamRequest] = []

    async def ask(self, request: UpstreamRequest) -> WholeAnswer:
        self.polled.append(request)
        return self.answers.pop(0)

    def studio(self) -> Studio:
        files = ImageFiles(self.objects, self.inputs, lambda url: Source(self.at.get(url)), LoopClock())
        return Studio(self.ask, files)

    def route_at(self, path: str, _: Mapping[str, str]) -> OperationRoute:
        return OperationRoute(partial(ImagesOperation, WIRES[path], CATALOG, self.studio))

    def stored(self, url: str) -> bytes:
        """The picture behind an address of the media bucket."""
        name = url.removeprefix("https://media.invalid/").partition("?")[0]
        return self.objects._objects[name][0]


def under(scripted: Scripted, wiring: Wiring | None = None, row: str = "openai", **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url)}
    return app_under_test(scripted.base_url, wire_at=(wiring or Wiring()).route_at, rows=rows, memory_mb=512, **more)


def provider(*answers: tuple[int, Any]) -> Scripted:
    """Answers each request with the next of them, and all later ones with the last."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        status, body = answers[min(number, len(answers)) - 1]
        writer.write(sized(status, orjson.dumps(body)))
        await writer.drain()

    return Scripted(script)


def made(count: int = 1, **more: Any) -> tuple[int, Any]:
    return 200, {"created": 1, "data": [{"b64_json": PICTURE}] * count, **more}


async def ask(gateway: AppUnderTest, body: Any, path: str = PATH, **more: Any) -> Answer:
    return await gateway.ask(body, path=path, **more)


async def charged(gateway: AppUnderTest) -> int:
    """The sum that the account has paid; nothing is still held."""
    look = await gateway.look()
    assert look.holds == ()
    return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def test_a_picture_keeps_its_base64_and_is_paid_by_its_tokens() -> None:
    told: dict[str, Any] = {"size": "1536x1024", "quality": "medium", "background": "opaque", "output_format": "webp"}
    async with provider(made(usage=USAGE, **told)) as openai, under(openai) as gateway:
        asked = {
            "model": GPT, "prompt": "a cat", "n": 1, "size": "1792x1024", "quality": "standard", "user": "u1",
            "background": "opaque", "output_format": "webp", "output_compression": 80, "moderation": "low", "seed": 7,
            "negative_prompt": "dogs",
        }  # fmt: skip
        answer = await ask(gateway, asked)
        assert orjson.loads(openai.bodies[0]) == {
            "model": GPT, "prompt": "a cat", "n": 1, "size": "1536x1024", "quality": "medium", "user": "u1",
            "background": "opaque", "moderation": "low", "output_format": "webp", "output_compression": 80,
        }  # fmt: skip
        assert openai.heads[0].startswith(b"POST /v1/images/generations HTTP/1.1\r\n")
        assert (answer.status, answer.json["data"], answer.json["usage"]) == (200, [{"b64_json": PICTURE}], USAGE)
        assert {name: answer.json[name] for name in told} == told
        assert (await charged(gateway), answer.json["nexevo"]["cost_usd"]) == (GPT_NANO, COST)
        assert answer.headers["x-usage-output-tokens"] == "1056"


async def test_an_answer_at_an_address_is_an_address_of_the_own_bucket_for_a_day() -> None:
    wiring = Wiring()
    async with provider(made()) as openai, under(openai, wiring) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "a cat"})
        (shown,) = answer.json["data"]
        assert orjson.loads(openai.bodies[0]) == {
            "model": DALL_E, "prompt": "a cat", "n": 1, "size": "1024x1024", "response_format": "b64_json",
        }  # fmt: skip
        assert shown["url"].startswith(f"https://media.invalid/media/{ACCOUNT}/img_")
        assert shown["url"].endswith(".png?until=86400") or "until=" in shown["url"]
        assert (wiring.stored(shown["url"]), await charged(gateway)) == (PNG, DALL_E_NANO)
        as_asked = await ask(gateway, {"model": DALL_E, "prompt": "a cat", "response_format": "b64_json"})
        assert as_asked.json["data"] == [{"b64_json": PICTURE}]


async def test_a_providers_address_is_read_and_never_shown() -> None:
    wiring = Wiring()
    wiring.at["https://files.vendor.test/1.png"] = PNG
    answered = 200, {"data": [{"url": "https://files.vendor.test/1.png", "revised_prompt": "a fine cat"}]}
    async with provider(answered) as openai, under(openai, wiring) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "a cat"})
        (shown,) = answer.json["data"]
        assert (wiring.stored(shown["url"]), shown["revised_prompt"]) == (PNG, "a fine cat")
        assert b"vendor.test" not in answer.body
        wiring.at.clear()
        lost = await ask(gateway, {"model": DALL_E, "prompt": "a cat"})
        assert (lost.status, lost.error["type"], await charged(gateway)) == (502, "upstream_error", DALL_E_NANO)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"model": GPT}, "1024x1024"),
        ({"model": GPT, "size": "auto"}, None),
        ({"model": GPT, "size": "1536x1024"}, "1536x1024"),
        # A picture that starts from another one has its ratio.
        ({"model": GPT, "reference_image_b64": PICTURE}, None),
    ],
)
async def test_a_size_that_is_not_named_is_the_contract_s_square_and_auto_is_the_vendor_s(
    asked: dict[str, str], sent: str | None
) -> None:
    async with provider(made(usage=USAGE)) as openai, under(openai) as gateway:
        assert (await ask(gateway, {"prompt": "x", **asked})).status == 200
        given = orjson.loads(openai.bodies[0]) if openai.bodies[0].startswith(b"{") else sent_form(openai, 0)
        assert given.get("size") == sent


@pytest.mark.parametrize("form", ["url", "b64_json"])
async def test_an_answer_says_what_its_pictures_are_where_the_provider_does_not(form: str) -> None:
    content = drawing.drawn("a cat", 96, 64, "jpeg")
    answered = 200, {"data": [{"b64_json": base64.b64encode(content).decode()}], "size": "96x64"}
    async with provider(answered) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "x", "response_format": form})
        facts = {name: answer.json.get(name) for name in ("background", "output_format", "size")}
        assert facts == {"background": "opaque", "output_format": "jpeg", "size": "96x64"}


async def test_hd_is_paid_twice_and_a_large_size_at_its_own_price() -> None:
    async with provider(made()) as openai, under(openai) as gateway:
        costs = []
        for more in {}, {"quality": "hd"}, {"size": "1792x1024"}, {"size": "1024x1792", "quality": "hd"}:
            answer = await ask(gateway, {"model": DALL_E, "prompt": "a cat", **more})
            costs.append(answer.json["nexevo"]["cost_usd"])
        assert [float(cost) for cost in costs] == [0.042, 0.084, 0.084, 0.168]
        assert [orjson.loads(body).get("quality") for body in openai.bodies] == [None, "hd", None, "hd"]


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": DALL_E, "prompt": "x", "n": 2}, "n", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "n": 11}, "n", "integer_above_max_value"),
        ({"model": GPT, "prompt": "x", "n": 0}, "n", "integer_below_min_value"),
        ({"model": GPT, "prompt": ""}, "prompt", "empty_string"),
        ({"model": GPT, "prompt": "x" * 4_001}, "prompt", "string_above_max_length"),
        ({"model": GPT}, "prompt", "missing_required_parameter"),
        ({"model": GPT, "prompt": "x", "size": "large"}, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "size": "4000x100"}, "size", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "quality": "best"}, "quality", "invalid_value"),
        ({"model": DALL_E, "prompt": "x", "quality": "low"}, "quality", "unsupported_value"),
        ({"model": DALL_E, "prompt": "x", "background": "transparent"}, "background", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "background": "blue"}, "background", "invalid_value"),
        ({"model": DALL_E, "prompt": "x", "output_format": "webp"}, "output_format", "unsupported_value"),
        ({"model": DALL_E, "prompt": "x", "reference_image_b64": PICTURE}, "reference_image_b64", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "reference_image_b64": "%"}, "reference_image_b64", "invalid_value"),
        ({"model": GPT, "prompt": "x", "reference_image_b64": "AAAA"}, "reference_image_b64", "invalid_image_format"),
        (
            {"model": GPT, "prompt": "x", "reference_image_b64": PICTURE, "reference_image_url": "file-nxn-1"},
            "reference_image_url",
            "duplicate_parameter",
        ),
        (
            {"model": DALL_E, "prompt": "x", "images": [{"file_id": "file-nxn-1"}]},
            "images[0].file_id",
            "unsupported_value",
        ),
        ({"model": "grok-imagine-image", "prompt": "x", "output_format": "png"}, "output_format", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "style": "vivid"}, "style", "unsupported_value"),
        ({"model": "imagen-4", "prompt": "x", "style": "natural"}, "style", "unsupported_value"),
        ({"model": DALL_E, "prompt": "x", "moderation": "low"}, "moderation", "unsupported_value"),
        ({"model": DALL_E, "prompt": "x", "output_compression": 80}, "output_compression", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "output_compression": 80}, "output_compression", "unsupported_value"),
        ({"model": GPT, "prompt": "x", "partial_images": 2}, "partial_images", "invalid_value"),
        ({"model": GPT, "prompt": "x", "api_base": "http://x"}, "api_base", "unknown_parameter"),
        ({"model": "no-model", "prompt": "x"}, "model", "model_not_found"),
    ],
)
async def test_what_no_target_can_do_is_refused_by_name_before_anything_is_sent(
    body: Any, param: str, code: str
) -> None:
    async with provider(made()) as openai, under(openai) as gateway:
        answer = await ask(gateway, body)
        assert (answer.error["param"], answer.error["code"], openai.bodies) == (param, code, [])
        assert answer.status == (404 if code == "model_not_found" else 400)
        assert await charged(gateway) == 0


async def test_a_word_for_what_a_model_does_anyway_is_no_wish() -> None:
    plain = {"moderation": "auto", "output_compression": 100}
    async with provider(made()) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "x", "style": "natural", **plain})
        sent = orjson.loads(openai.bodies[0])
        assert (answer.status, sent["style"], sent.keys() & plain.keys()) == (200, "natural", set())


async def test_a_request_without_a_model_is_the_balanced_aliases() -> None:
    wiring = Wiring()
    async with provider(made(usage=USAGE)) as openai, under(openai, wiring) as gateway:
        answer = await ask(gateway, {"prompt": "A futuristic city at sunset", "n": 1, "size": "1024x1024"})
        assert (answer.status, wiring.stored(answer.json["data"][0]["url"])) == (200, PNG)


async def test_a_refusal_by_moderation_is_a_400_of_the_wire_and_costs_nothing() -> None:
    refused = {
        "error": {
            "message": "Your request was rejected.",
            "type": "x",
            "param": None,
            "code": "content_policy_violation",
        }
    }
    async with provider((400, refused)) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": GPT, "prompt": "blood"})
        assert (answer.status, answer.error["code"], answer.error["message"]) == (
            400, "moderation_blocked", "Your request was rejected.",
        )  # fmt: skip
        assert (await charged(gateway), len(openai.bodies)) == (0, 1)


async def test_fewer_pictures_than_asked_for_are_paid_as_they_come() -> None:
    async with provider(made(2)) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": GPT, "prompt": "x", "n": 4})
        assert (len(answer.json["data"]), answer.status) == (2, 200)


async def test_a_failed_provider_is_followed_by_the_next_target() -> None:
    async with provider((500, {"error": {"message": "no"}})) as openai, provider(made(usage=USAGE)) as azure:
        wiring = Wiring()
        rows = {
            "openai": Credential("key", openai.base_url),
            "azure": Credential("k2", azure.base_url.removesuffix("/v1")),
        }
        async with app_under_test("", wire_at=wiring.route_at, rows=rows, memory_mb=512) as gateway:
            answer = await ask(gateway, {"model": GPT, "prompt": "x"})
            assert (answer.status, await charged(gateway)) == (200, GPT_NANO)
            assert azure.heads[0].startswith(b"POST /openai/v1/images/generations HTTP/1.1\r\n")
            assert b"api-key: k2" in azure.heads[0].lower()


async def test_a_repeated_key_brings_the_same_answer_and_one_charge() -> None:
    async with provider(made(usage=USAGE)) as openai, under(openai) as gateway:
        asked = partial(ask, gateway, {"model": GPT, "prompt": "x"}, headers={"idempotency-key": "once"})
        first, again = await asked(), await asked()
        assert (first.body, len(openai.bodies), await charged(gateway)) == (again.body, 1, GPT_NANO)


async def test_too_little_money_is_refused_by_the_worst_case() -> None:
    async with provider(made(usage=USAGE)) as openai, under(openai, balance_usd=1) as gateway:
        assert (await ask(gateway, {"model": GPT, "prompt": "x", "n": 10})).status == 402
        assert openai.bodies == []
        assert (await ask(gateway, {"model": GPT, "prompt": "x", "n": 10, "quality": "low"})).status == 200


async def test_more_tokens_than_the_request_can_cause_are_not_charged() -> None:
    lying = {"input_tokens": 10**6, "output_tokens": 10**6}
    async with provider(made(usage=lying)) as openai, under(openai) as gateway:
        await ask(gateway, {"model": GPT, "prompt": "x", "quality": "low"})
        assert await charged(gateway) == ((1 + 16) * 5_000 + 408 * 40_000) * 105 // 100


async def test_a_reference_picture_makes_a_generation_an_edit_of_it() -> None:
    async with provider(made(usage=USAGE)) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": GPT, "prompt": "hats", "reference_image_b64": PICTURE, "n": 2})
        assert answer.status == 200
        assert openai.heads[0].startswith(b"POST /v1/images/edits HTTP/1.1\r\n")
        assert sent_form(openai, 0) == {
            "model": GPT, "prompt": "hats", "n": "2",
            "image": {"filename": "image.png", "type": "image/png", "base64": PICTURE},
        }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"reference_image_b64": "file-nxn-1"}, "reference_image_b64"),
        ({"reference_image_b64": f"data:image/png;base64,{PICTURE}"}, "reference_image_b64"),
        ({"reference_image_url": "file-nxn-1"}, "reference_image_url"),
        ({"reference_image_url": "https://pictures.test/a.png"}, "reference_image_url"),
        ({"images": [{"file_id": "file-nxn-1"}]}, "images[0].file_id"),
        ({"images": [{"image_url": "https://pictures.test/a.png"}]}, "images[0].image_url"),
    ],
)
async def test_a_generation_starts_from_an_uploaded_file_or_an_address(given: dict[str, Any], place: str) -> None:
    wiring = Wiring()
    async with provider(made(usage=USAGE)) as openai, under(openai, wiring) as gateway:
        assert (await ask(gateway, {"model": GPT, "prompt": "hats", **given})).status == 200
        assert base64.b64decode(sent_form(openai, 0)["image"]["base64"]) == PNG
        wiring.inputs.files.clear()
        lost = await ask(gateway, {"model": GPT, "prompt": "hats", **given})
        inline = "data:" in str(given)
        assert (lost.status, lost.status == 200 or lost.error["param"]) == ((200, True) if inline else (404, place))


def sent_form(openai: Scripted, number: int) -> Any:
    head = openai.heads[number].decode().lower()
    (kind,) = [line for line in head.split("\r\n") if line.startswith("content-type: ")]
    return members(kind.removeprefix("content-type: "), openai.bodies[number])


def form(fields: Mapping[str, str], *files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    listed: list[Any] = [(name, (None, value)) for name, value in fields.items()]
    listed += [(name, ("cat.png", content, "image/png")) for name, content in files]
    request = httpx.Request("POST", "https://gateway.test", files=listed)
    return request.read(), {"content-type": request.headers["content-type"]}


async def test_an_edit_with_a_mask_and_several_pictures_reaches_the_provider_as_a_form() -> None:
    other, mask = drawing.drawn("a dog", 64, 64, "webp"), drawing.drawn("mask", 64, 64, transparent=True)
    body, headers = form(
        {"model": GPT, "prompt": "both", "n": "2", "size": "1024x1024", "quality": "low", "input_fidelity": "high"},
        ("image[]", PNG), ("image[]", other), ("mask", mask),
    )  # fmt: skip
    async with provider(made(2, usage=USAGE)) as openai, under(openai) as gateway:
        answer = await ask(gateway, body, EDIT, headers=headers)
        assert (answer.status, len(answer.json["data"])) == (200, 2)
        found = sent_form(openai, 0)
        pictures = [(file["type"], base64.b64decode(file["base64"])) for file in found.pop("image")]
        assert pictures == [("image/png", PNG), ("image/webp", other)]
        assert base64.b64decode(found.pop("mask")["base64"]) == mask
        assert found == {
            "model": GPT, "prompt": "both", "n": "2", "size": "1024x1024", "quality": "low", "input_fidelity": "high",
        }  # fmt: skip


async def test_an_edit_takes_addresses_and_file_ids_as_json() -> None:
    wiring = Wiring()
    body = {
        "model": GPT, "prompt": "both",
        "images": [{"image_url": "https://pictures.test/a.png"}, {"file_id": "file-nxn-1"}],
        "mask": {"image_url": f"data:image/png;base64,{PICTURE}"},
    }  # fmt: skip
    async with provider(made(usage=EDITED)) as openai, under(openai, wiring) as gateway:
        assert (await ask(gateway, body, EDIT)).status == 200
        assert wiring.inputs.asked == [(ACCOUNT, "https://pictures.test/a.png"), (ACCOUNT, "file-nxn-1")]
        found = sent_form(openai, 0)
        assert [base64.b64decode(file["base64"]) for file in (*found["image"], found["mask"])] == [PNG, PNG, PNG]
        unknown = await ask(gateway, {"model": GPT, "prompt": "x", "images": [{"file_id": "file-nxn-2"}]}, EDIT)
        assert (unknown.status, unknown.error["param"]) == (404, "images[0].file_id")
        assert (len(openai.bodies), await charged(gateway)) == (1, EDITED_NANO)


async def test_an_edit_that_is_no_picture_or_of_a_model_that_edits_none_is_refused_at_its_place() -> None:
    async with provider(made()) as openai, under(openai) as gateway:
        for model, content, place in (GPT, b"<html>", "image"), (GPT, PNG[:-9], "image"), (DALL_E, PNG, "image"):
            body, headers = form({"model": model, "prompt": "x"}, ("image", content))
            answer = await ask(gateway, body, EDIT, headers=headers)
            assert (answer.status, answer.error["param"]) == (400, place)
        fields = await ask(gateway, b"model=x", EDIT, headers={"content-type": "application/x-www-form-urlencoded"})
        assert (fields.status, fields.error["code"]) == (415, "unsupported_media_type")
        missing = await ask(gateway, {"model": GPT, "prompt": "x"}, EDIT)
        assert (missing.status, missing.error["param"], openai.bodies) == (400, "image", [])
        body, headers = form({"model": GPT}, ("image", PNG))
        assert (await ask(gateway, body, VARY, headers=headers)).error["param"] == "model"
