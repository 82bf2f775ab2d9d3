"""Tests of xAI: the request, and the meaning of a deferred request's answers."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.xai import XAI

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("xai-1")
ID = "d97415a1-5796-b7ec-379f-4e6819e08fdf"
FILE = "https://vidgen.x.ai/xai-vidgen-bucket/xai-video-1.mp4"


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def state(told: Any) -> Any:
    return XAI.state(ID, told, CREDENTIAL)


def done(**video: Any) -> dict[str, Any]:
    told = {"url": FILE, "duration": 8, "respect_moderation": True} | video
    return {"status": "done", "video": told, "model": "grok-imagine-video", "progress": 100}


def test_a_text_becomes_a_request(order: Any) -> None:
    request = XAI.submit(order("grok-imagine-video", seconds="15", aspect_ratio="3:4"), CREDENTIAL, NOW_S)
    assert request.url == "https://api.x.ai/v1/videos/generations"
    assert dict(request.headers)["authorization"] == "Bearer xai-1"
    assert body(request) == {
        "model": "grok-imagine-video",
        "resolution": "720p",
        "prompt": "a red cube",
        "duration": 15,
        "aspect_ratio": "3:4",
    }


def test_an_image_begins_the_video_and_decides_the_ratio(order: Any) -> None:
    asked = order("grok-imagine-video-1.5", image=True, seconds="1", aspect_ratio="3:4")
    told = body(XAI.submit(asked, CREDENTIAL, NOW_S))
    assert told["image"] == {"url": "https://files.example/a.png?signed=1"}
    assert "aspect_ratio" not in told


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        XAI.submit(order("grok-2-video"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_requests_id(answer: Any) -> None:
    assert XAI.accepted(answer({"request_id": ID})) == ID


def test_looking_goes_to_the_request() -> None:
    request = XAI.poll("a/b", Credential("xai-1", "http://127.0.0.1:1/v1/"), NOW_S)
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:1/v1/videos/a%2Fb")


@pytest.mark.parametrize(
    ("told", "status", "progress"),
    [
        ({"status": "pending", "progress": 40}, 200, 40),
        ({"status": "pending", "progress": 40}, 202, 40),
        ({"status": "pending", "progress": 400}, 200, None),
        ({"status": "pending"}, 202, None),
        (b"", 202, None),
    ],
)
def test_a_request_that_is_pending_runs(answer: Any, told: Any, status: int, progress: int | None) -> None:
    assert state(answer(told, status)) == Running(progress)


def test_a_request_that_is_done_has_a_video(answer: Any) -> None:
    assert state(answer(done())) == Done((Output("video/mp4", FILE, duration_ms=8000),))


def test_a_video_that_broke_the_rules_is_a_matter_of_moderation(answer: Any) -> None:
    failed = state(answer(done(url="", respect_moderation=False)))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("moderation", False)


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ({"code": "moderation_blocked", "message": "Blocked."}, "moderation", False),
        ({"code": "invalid_argument", "message": "Blocked by content moderation."}, "moderation", False),
        ({"code": "invalid_argument", "message": "The image could not be read."}, "invalid_request", False),
        ({"code": "internal_error", "message": "Oops."}, "upstream_error", True),
        (None, "upstream_error", True),
    ],
)
def test_a_request_that_failed_is_read_by_its_error(answer: Any, error: Any, code: str, retryable: bool) -> None:
    failed = state(answer({"status": "failed", "error": error}))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (code, retryable)


@pytest.mark.parametrize(("told", "status"), [({"status": "expired"}, 200), ({"error": "not found"}, 404)])
def test_a_request_that_is_gone_is_lost(answer: Any, told: Any, status: int) -> None:
    failed = state(answer(told, status))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("task_lost", True)


@pytest.mark.parametrize("told", [{"status": "dreaming"}, {}])
def test_an_unknown_status_is_asked_for_again(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        state(answer(told))
    assert caught.value.retryable


@pytest.mark.parametrize("told", [done(url=""), {"status": "done"}, b"<html>"])
def test_an_end_without_a_video_is_unreadable(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(told))


@pytest.mark.parametrize(
    ("status", "words", "kind", "retryable"),
    [
        (400, "Incorrect API key provided: xa***-1.", CredentialRefused, False),
        (403, "Your team has no permission.", CredentialRefused, False),
        (404, "The model does not exist.", UpstreamError, True),
        (429, "Too many requests.", UpstreamOverloaded, True),
        (503, "Unavailable.", UpstreamOverloaded, True),
    ],
)
def test_a_refusal_is_the_deployments_or_xais_fault(
    answer: Any, status: int, words: str, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        XAI.accepted(answer({"code": "Some words", "error": words}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("words", "code"), [("Invalid argument: duration", None), ("Prompt violates the content policy.", "moderation")]
)
def test_a_refusal_of_the_order_is_passed_on(answer: Any, words: str, code: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        XAI.accepted(answer({"code": "Client specified an invalid argument", "error": words}, 400))
    assert (caught.value.message, caught.value.code) == (words, code)
