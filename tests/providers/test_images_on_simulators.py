"""Tests of each vendor of pictures against its simulator; Pillow reads what comes back."""

import base64
import io
import time

import pytest
from msgspec.structs import replace
from PIL import Image

from gateway.canonical.images import IMAGE, Action, Drawing, Drawn, Given, ImageRequest, Picture
from gateway.errors import InvalidRequest
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.images.registry import painter
from gateway.providers.images.vendor import MODERATED, Asked, Wait
from local.providers import drawing
from tests.exchanged import exchanged

PNG = drawing.drawn("a cat", 256, 256)
ASKED = ImageRequest("test", "m", Action.GENERATION, "a fox", 5)
# Each vendor's model, a word for its size with the pixels that come of it, and the pictures of one request.
MODELS = [
    ("openai", "gpt-image-1", "1536x1024", (1536, 1024), 2),
    ("openai", "dall-e-3", "1024x1792", (1024, 1792), 1),
    ("azure", "gpt-image-1", "1024x1536", (1024, 1536), 2),
    ("gemini", "imagen-4.0-ultra-generate-001", "16:9", (1344, 768), 4),
    ("vertex", "imagen-4.0-fast-generate-001", "3:4", (864, 1184), 2),
    ("gemini", "gemini-2.5-flash-image", "9:16", (768, 1344), 1),
    ("vertex", "gemini-3-pro-image-preview", "1:1", (1024, 1024), 1),
    ("replicate", "black-forest-labs/flux-schnell", "16:9", (1344, 768), 4),
    ("replicate", "black-forest-labs/flux-1.1-pro", "1:1", (1024, 1024), 1),
    ("replicate", "stability-ai/stable-diffusion-3.5-large", "3:2", (1216, 832), 1),
    ("fal", "fal-ai/flux/schnell", "4:3", (1152, 896), 3),
    ("fal", "fal-ai/flux/dev", "3:4", (896, 1152), 1),
    ("bfl", "flux-pro-1.1", "9:16", (768, 1344), 1),
    ("bfl", "flux-kontext-pro", "4:3", (1152, 896), 1),
    ("stability", "core", "16:9", (1344, 768), 1),
    ("stability", "sd3.5-large", "2:3", (832, 1216), 1),
    ("dashscope", "qwen-image-plus", "1664x928", (1664, 928), 1),
    ("dashscope", "wan2.5-t2i-preview", "1280x720", (1280, 720), 2),
    ("xai", "grok-imagine-image", "16:9", (1280, 720), 3),
]
EDITORS = [
    ("openai", "gpt-image-1"),
    ("azure", "gpt-image-1"),
    ("gemini", "gemini-2.5-flash-image"),
    ("replicate", "black-forest-labs/flux-kontext-pro"),
    ("fal", "fal-ai/flux/dev"),
    ("bfl", "flux-kontext-pro"),
    ("stability", "ultra"),
    ("dashscope", "qwen-image-plus"),
    ("xai", "grok-imagine-image"),
]
# How each simulator is asked to have rules refuse a prompt: at once, or as a task that fails.
REFUSALS = [
    ("openai", "gpt-image-1", "[[sim: refuse]]"),
    ("gemini", "imagen-4.0-generate-001", "[[sim: refuse]]"),
    ("gemini", "gemini-2.5-flash-image", "[[sim: refuse]]"),
    ("replicate", "black-forest-labs/flux-schnell", "[[sim: media_fail=moderation]]"),
    ("fal", "fal-ai/flux/schnell", "[[sim: media_fail=moderation]]"),
    ("bfl", "flux-pro-1.1", "[[sim: media_fail=moderation]]"),
    ("stability", "core", "[[sim: refuse]]"),
    ("stability", "core", "[[sim: calls=1]]"),
    ("dashscope", "qwen-image-plus", "[[sim: refuse]]"),
    ("dashscope", "wan2.5-t2i-preview", "[[sim: media_fail=moderation]]"),
    ("xai", "grok-imagine-image", "[[sim: refuse]]"),
]
# Those that answer with a 200 without a picture: another one of the same request may still be made.
LEFT_OUT = {REFUSALS[1], REFUSALS[2], REFUSALS[5], REFUSALS[7]}


def made(row: str, model: str, credential: Credential, request: ImageRequest) -> Drawn:
    """Returns the pictures that the vendor makes; raises its refusal."""
    chosen, asked = painter(row, model), Asked(request, model, credential, time.time())
    answer = exchanged(chosen.request(asked))
    while True:
        if answer.status not in chosen.accepted:
            raise chosen.error(answer.status, answer.headers, answer.body)
        step = chosen.read(asked, answer)
        if not isinstance(step, Wait):
            return step
        time.sleep(min(step.after_s, 0.1))
        answer = exchanged(step.request)


def content(drawing_: Drawing) -> bytes:
    if drawing_.base64:
        return base64.b64decode(drawing_.base64)
    return exchanged(UpstreamRequest(drawing_.url, (), b"", "GET")).body


def opened(picture: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(picture)) as found:
        found.load()
        return found.format, found.size


@pytest.mark.parametrize(("row", "model", "size", "pixels", "count"), MODELS)
def test_each_vendor_makes_pictures_of_the_size_that_is_asked_for(
    credentials: dict[str, Credential], row: str, model: str, size: str, pixels: tuple[int, int], count: int
) -> None:
    assert painter(row, model).images_max >= count
    found = made(row, model, credentials[row], replace(ASKED, size=size, n=count))
    assert [opened(content(one))[1] for one in found.drawings] == [pixels] * count
    assert len({content(one) for one in found.drawings}) == count
    assert found.usage is not None
    assert dict(found.usage.uses)[IMAGE] == count


@pytest.mark.parametrize(("row", "model"), EDITORS)
def test_each_editor_is_sent_the_picture(credentials: dict[str, Credential], row: str, model: str) -> None:
    given = Given("image", Picture(PNG, "image/png"))
    request = replace(ASKED, action=Action.EDIT, images=(given,))
    assert len(made(row, model, credentials[row], request).drawings) == 1
    with pytest.raises(InvalidRequest) as refused:
        made(row, model, credentials[row], replace(request, images=(Given("image"),)))
    assert refused.value.param == "image"


@pytest.mark.parametrize(("row", "model", "words"), REFUSALS)
def test_each_vendors_refusal_by_rules_is_told_apart(
    credentials: dict[str, Credential], row: str, model: str, words: str
) -> None:
    request = replace(ASKED, prompt=f"a fox {words}")
    if (row, model, words) in LEFT_OUT:
        found = made(row, model, credentials[row], request)
        assert (found.drawings, bool(found.refused), found.usage) == ((), True, None)
        return
    with pytest.raises(InvalidRequest) as refused:
        made(row, model, credentials[row], request)
    assert refused.value.code == MODERATED


@pytest.mark.parametrize(
    ("row", "model"),
    [("gemini", "imagen-4.0-generate-001"), ("fal", "fal-ai/flux/schnell"), ("dashscope", "wan2.5-t2i-preview")],
)
def test_a_picture_that_rules_filter_is_left_out_of_several(
    credentials: dict[str, Credential], row: str, model: str
) -> None:
    found = made(row, model, credentials[row], replace(ASKED, prompt="a fox [[sim: calls=1]]", n=3))
    assert (len(found.drawings), bool(found.refused)) == (2, True)
    assert found.usage is not None
    assert dict(found.usage.uses) == {IMAGE: 2}


@pytest.mark.parametrize(
    ("row", "model"),
    [
        ("gemini", "gemini-2.5-flash-image"),
        ("replicate", "qwen/qwen-image"),
        ("fal", "fal-ai/flux/schnell"),
        ("bfl", "flux-pro-1.1"),
        ("stability", "core"),
        ("dashscope", "qwen-image-plus"),
    ],
)
def test_equal_seeds_make_equal_pictures(credentials: dict[str, Credential], row: str, model: str) -> None:
    def picture(seed: int) -> bytes:
        (one,) = made(row, model, credentials[row], replace(ASKED, seed=seed)).drawings
        return content(one)

    assert picture(7) == picture(7) != picture(8)
