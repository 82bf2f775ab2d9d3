"""Pictures on the whole stack, by OpenAI's own SDK; Pillow reads what comes back."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from random import Random

import httpx
import openai
import pytest
from PIL import Image

from local.providers import drawing
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.test_audio import MB, peaks, uploaded

OTTER = "A cute baby sea otter"


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=stack.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S, max_retries=0) as made:
        yield made


def opened(content: bytes) -> tuple[str | None, tuple[int, int]]:
    """Returns format and size of a picture, which is read to its end."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture.format, picture.size


def decoded(image: openai.types.Image) -> bytes:
    return base64.b64decode(image.b64_json or "")


def fetched(image: openai.types.Image) -> bytes:
    answer = httpx.get(image.url or "", timeout=HANGS_AFTER_S, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_openais_sdk_reads_pictures_of_each_format(client: openai.OpenAI, form: str) -> None:
    made = client.images.generate(
        model="gpt-image-1.5",
        prompt=OTTER,
        n=2,
        size="1536x1024",
        quality="low",
        output_format=form,  # type: ignore[call-overload]  # a word of each format
    )
    assert [opened(decoded(image)) for image in made.data] == [(form.upper(), (1536, 1024))] * 2
    assert decoded(made.data[0]) == drawing.drawn(f"{OTTER}/0", 1536, 1024, form)
    assert (made.usage.output_tokens, made.size, made.quality) == (800, "1536x1024", "low")
    assert made.model_extra["nexevo"]["cost_usd"].startswith("0.02")


def test_a_picture_at_an_address_is_read_there_without_a_key(client: openai.OpenAI) -> None:
    made = client.images.generate(model="dall-e-3", prompt=OTTER, quality="hd", size="1024x1792")
    (image,) = made.data or []
    assert "/media/" in (image.url or "")
    assert (opened(fetched(image)), image.revised_prompt) == (("PNG", (1024, 1792)), f"A picture: {OTTER}")
    assert (made.model_extra or {})["nexevo"]["cost_usd"] == "0.168"


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("nexevo/image-fast", (1344, 768)),
        ("nexevo/image-balanced", (1344, 768)),
        ("imagen-4-ultra", (1344, 768)),
        ("gemini-2.5-flash-image", (1344, 768)),
        ("flux-pro", (1344, 768)),
        ("flux-dev", (1344, 768)),
        ("stable-image-core", (1344, 768)),
        ("qwen-image", (1664, 928)),
        ("wan-2.5-image", (1280, 720)),
        ("grok-imagine-image", (1280, 720)),
    ],
)
def test_each_vendors_picture_is_at_an_own_address(client: openai.OpenAI, model: str, size: tuple[int, int]) -> None:
    made = client.images.generate(model=model, prompt=OTTER, size="1792x1024", n=2)
    assert [opened(fetched(image))[1] for image in made.data or []] == [size] * 2
    assert len({fetched(image) for image in made.data or []}) == 2
    assert (made.model_extra or {})["nexevo"]["cost_usd"] != "0"


def test_an_edit_with_a_mask_and_several_pictures_is_a_form_of_files(client: openai.OpenAI) -> None:
    pictures = [drawing.drawn(words, 256, 256) for words in ("a cat", "a dog")]
    mask = drawing.drawn("mask", 256, 256, transparent=True)
    made = client.images.edit(
        model="gpt-image-1", image=[("a.png", pictures[0]), ("b.png", pictures[1])], mask=("m.png", mask), prompt="Both"
    )
    assert opened(decoded((made.data or [])[0])) == ("PNG", (1024, 1024))
    assert made.usage is not None
    assert made.usage.input_tokens_details.image_tokens == 3 * 323


def test_an_uploaded_file_is_edited_by_its_id(stack: Stack) -> None:
    headers = {"authorization": f"Bearer {stack.api_key}"}
    files = {"file": ("cat.png", drawing.drawn("a cat", 64, 64), "image/png")}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http:
        uploaded = http.post("/generation/upload", files=files).json()
        for given in {"file_id": uploaded["id"]}, {"image_url": uploaded["url"]}:
            body = {"model": "gpt-image-1", "prompt": "A hat", "images": [given]}
            answer = http.post("/images/edits", json=body)
            assert answer.status_code == 200, answer.text
            assert opened(base64.b64decode(answer.json()["data"][0]["b64_json"]))[0] == "PNG"


def test_four_pictures_of_10_mb_are_edited_by_their_uploads_in_flat_memory(stack: Stack) -> None:
    side, headers = 1_850, {"authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http:
        names = []
        for seed in range(4):
            file = io.BytesIO()
            noise = Random(seed).randbytes(side * side * 3)
            Image.frombytes("RGB", (side, side), noise).save(file, "PNG", compress_level=0)
            assert file.tell() > 10_000_000
            names.append(uploaded(http, file.getvalue(), "image/png", "vision"))

        def edit() -> None:
            images = [{"file_id": name} for name in names]
            body = {"model": "gpt-image-1", "prompt": "All", "images": images, "quality": "low"}
            answer = http.post("/v1/images/edits", json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["usage"]["input_tokens_details"]["image_tokens"] == 4 * 323

        edit()
        # The allocator keeps freed pieces at times, by up to 20 MB in all: a copy more would raise each of the three.
        rise = min(peaks(stack, edit, "images") for _ in range(3))
    # The four of them, and the form that is sent.
    assert rise < 100 * MB


def test_a_stream_shows_unfinished_pictures_first(client: openai.OpenAI) -> None:
    with client.images.generate(
        model="gpt-image-1", prompt=OTTER, stream=True, partial_images=2, size="1024x1024"
    ) as stream:
        events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert all(opened(base64.b64decode(event.b64_json)) == ("PNG", (1024, 1024)) for event in events)
    assert (events[-1].model_extra or {})["nexevo"]["cost_usd"]


def test_a_refusal_by_moderation_is_a_bad_request_and_free(stack: Stack) -> None:
    poor = stack.with_new_account("1")
    with openai.OpenAI(api_key=poor.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S, max_retries=0) as other:
        with pytest.raises(openai.BadRequestError) as refused:
            other.images.generate(model="gpt-image-1-mini", prompt=f"{OTTER} [[sim: refuse]]")
        assert refused.value.code == "moderation_blocked"
    assert poor.settled()["balance_nano"] == 10**9


def test_models_of_pictures_are_listed_with_their_prices(client: openai.OpenAI) -> None:
    listed = {model.id: model.model_extra or {} for model in client.models.list()}
    assert listed["dall-e-3"]["pricing"]["price"] == "0.04"
    assert listed["gpt-image-1"]["modalities"]["output"] == ["image"]
    assert "nexevo/image-balanced" in listed
