"""Tests of Luma: the request, and the meaning of a generation's answers."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.luma import LUMA

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("luma-1")
ID = "d1968551-6113-4b46-b567-09210c2e79b0"
FILE = "https://storage.cdn-luma.com/dream_machine/a/video.mp4"
GENERATION: dict[str, Any] = {
    "id": ID,
    "generation_type": "video",
    "state": "queued",
    "failure_reason": None,
    "created_at": "2026-11-21T12:00:00Z",
    "assets": None,
    "model": "ray-2",
}


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def state(told: Any) -> Any:
    return LUMA.state(ID, told, CREDENTIAL)


def test_a_text_becomes_a_generation(order: Any) -> None:
    request = LUMA.submit(order("ray-2", seconds="9", aspect_ratio="9:16"), CREDENTIAL, NOW_S)
    assert request.url == "https://api.lumalabs.ai/dream-machine/v1/generations/video"
    assert dict(request.headers)["authorization"] == "Bearer luma-1"
    assert body(request) == {
        "model": "ray-2",
        "resolution": "720p",
        "prompt": "a red cube",
        "duration": "9s",
        "aspect_ratio": "9:16",
    }


def test_an_image_is_the_first_frame_at_the_ratio_that_was_asked_for(order: Any) -> None:
    told = body(LUMA.submit(order("ray-flash-2", image=True, aspect_ratio="1:1"), CREDENTIAL, NOW_S))
    assert told["keyframes"] == {"frame0": {"type": "image", "url": "https://files.example/a.png?signed=1"}}
    assert told["aspect_ratio"] == "1:1"


def test_an_unsigned_call_back_is_not_asked_for(order: Any) -> None:
    asked = order("ray-2", callback_url="https://gateway.example/v1/callbacks/luma/gen_1/1")
    assert "callback_url" not in body(LUMA.submit(asked, CREDENTIAL, NOW_S))
    assert LUMA.callback is None


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        LUMA.submit(order("ray-1"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_generations_id(answer: Any) -> None:
    assert LUMA.accepted(answer(GENERATION, 201)) == ID


def test_looking_and_stopping_go_to_the_generation() -> None:
    credential = Credential("luma-1", "http://127.0.0.1:1/luma/")
    looked = LUMA.poll("a/b", credential, NOW_S)
    assert (looked.method, looked.url) == ("GET", "http://127.0.0.1:1/luma/generations/a%2Fb")
    assert LUMA.cancel is not None
    stopped = LUMA.cancel("a/b", credential, NOW_S)
    assert (stopped.method, stopped.url) == ("DELETE", "http://127.0.0.1:1/luma/generations/a%2Fb")


@pytest.mark.parametrize("word", ["queued", "dreaming"])
def test_a_generation_under_way_runs(answer: Any, word: str) -> None:
    assert state(answer(GENERATION | {"state": word})) == Running()


def test_a_completed_generation_has_a_video(answer: Any) -> None:
    told = GENERATION | {"state": "completed", "assets": {"video": FILE, "image": None}}
    assert state(answer(told)) == Done((Output("video/mp4", FILE),))


@pytest.mark.parametrize(
    ("reason", "error", "retryable"),
    [
        ("400: Contents failed moderation", "moderation", False),
        ("Advanced moderation failed", "moderation", False),
        ("400: Unable to load the image of frame0", "invalid_request", False),
        ("Job failed", "upstream_error", True),
        (None, "upstream_error", True),
    ],
)
def test_a_failed_generation_is_read_by_its_reason(
    answer: Any, reason: str | None, error: str, retryable: bool
) -> None:
    failed = state(answer(GENERATION | {"state": "failed", "failure_reason": reason}))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (error, retryable)


def test_a_generation_that_is_not_found_is_lost(answer: Any) -> None:
    failed = state(answer({"detail": "Generation not found"}, 404))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize("word", ["napping", None])
def test_an_unknown_state_is_asked_for_again(answer: Any, word: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        state(answer(GENERATION | {"state": word}))
    assert caught.value.retryable


@pytest.mark.parametrize("assets", [None, {}, {"video": ""}, "a"])
def test_completion_without_a_video_is_unreadable(answer: Any, assets: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(GENERATION | {"state": "completed", "assets": assets}))


@pytest.mark.parametrize(
    ("status", "detail", "kind", "retryable"),
    [
        (401, "Invalid API key", CredentialRefused, False),
        (403, "Not authenticated", CredentialRefused, False),
        (400, "Insufficient credits", CredentialRefused, False),
        (429, "Rate limit exceeded", UpstreamOverloaded, True),
        (500, None, UpstreamError, True),
    ],
)
def test_a_refusal_is_the_deployments_or_lumas_fault(
    answer: Any, status: int, detail: Any, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        LUMA.accepted(answer({"detail": detail}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("status", "detail", "message", "code"),
    [
        (400, "Prompt is too long", "Prompt is too long", None),
        (400, "Prompt failed moderation", "Prompt failed moderation", "moderation"),
        (422, [{"loc": ["body", "duration"], "msg": "Invalid duration"}], "Invalid duration", None),
        (422, [], "The provider found the request invalid.", None),
    ],
)
def test_a_refusal_of_the_order_is_passed_on(
    answer: Any, status: int, detail: Any, message: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        LUMA.accepted(answer({"detail": detail}, status))
    assert (caught.value.message, caught.value.code) == (message, code)
