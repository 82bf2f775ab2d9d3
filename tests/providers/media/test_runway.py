"""Tests of Runway: the request and its address, and the meaning of a task's answers."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.runway import RUNWAY

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("key_1")
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
TASK: dict[str, Any] = {"id": ID, "createdAt": "2026-11-21T12:00:00.000Z", "status": "PENDING"}
FILE = "https://dnznrvs05pmza.cloudfront.net/a.mp4?_jwt=1"


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def state(told: Any) -> Any:
    return RUNWAY.state(ID, told, CREDENTIAL)


def test_a_text_has_an_address_of_its_own(order: Any) -> None:
    request = RUNWAY.submit(order("gen4.5", seconds="10", aspect_ratio="9:16", seed=0), CREDENTIAL, NOW_S)
    assert request.url == "https://api.dev.runwayml.com/v1/text_to_video"
    assert dict(request.headers) == {
        "content-type": "application/json",
        "x-runway-version": "2024-11-06",
        "authorization": "Bearer key_1",
    }
    assert body(request) == {
        "model": "gen4.5",
        "promptText": "a red cube",
        "ratio": "720:1280",
        "duration": 10,
        "seed": 0,
    }


def test_an_image_has_an_address_of_its_own(order: Any) -> None:
    request = RUNWAY.submit(order("gen4_turbo", image=True, seconds="5", aspect_ratio="1:1"), CREDENTIAL, NOW_S)
    assert request.url == "https://api.dev.runwayml.com/v1/image_to_video"
    assert body(request) == {
        "model": "gen4_turbo",
        "promptText": "a red cube",
        "promptImage": "https://files.example/a.png?signed=1",
        "ratio": "960:960",
        "duration": 5,
    }


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        (None, "1280:720"),
        ("16:9", "1280:720"),
        ("9:16", "720:1280"),
        ("1:1", "960:960"),
        ("4:3", "1104:832"),
        ("3:4", "832:1104"),
    ],
)
def test_a_ratio_is_a_size(order: Any, ratio: str | None, size: str) -> None:
    asked = order("gen4_turbo", image=True, aspect_ratio=ratio)
    assert body(RUNWAY.submit(asked, CREDENTIAL, NOW_S))["ratio"] == size


def test_veo_takes_what_is_not_wanted_and_makes_sound(order: Any) -> None:
    told = body(RUNWAY.submit(order("veo3.1_fast", seconds="8", negative_prompt="fog"), CREDENTIAL, NOW_S))
    assert (told["negativePrompt"], told["audio"]) == ("fog", True)


def test_a_model_that_starts_from_an_image_wants_one(order: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RUNWAY.submit(order("gen4_turbo"), CREDENTIAL, NOW_S)
    assert caught.value.param == "reference_image_url"


def test_a_ratio_that_wants_an_image_is_refused_without_one(order: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RUNWAY.submit(order("gen4.5", aspect_ratio="1:1"), CREDENTIAL, NOW_S)
    assert caught.value.param == "aspect_ratio"


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        RUNWAY.submit(order("gen3"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_tasks_id(answer: Any) -> None:
    assert RUNWAY.accepted(answer({"id": ID})) == ID


def test_looking_and_stopping_go_to_the_task() -> None:
    credential = Credential("key_1", "http://127.0.0.1:1/runway/")
    assert RUNWAY.cancel is not None
    for request, method in (
        (RUNWAY.poll("a/b", credential, NOW_S), "GET"),
        (RUNWAY.cancel("a/b", credential, 0), "DELETE"),
    ):
        assert (request.method, request.url) == (method, "http://127.0.0.1:1/runway/v1/tasks/a%2Fb")
        assert dict(request.headers)["x-runway-version"] == "2024-11-06"


@pytest.mark.parametrize(
    ("told", "progress"),
    [
        ({"status": "PENDING"}, None),
        ({"status": "THROTTLED"}, None),
        ({"status": "RUNNING", "progress": 0.456}, 46),
        ({"status": "RUNNING", "progress": 1}, 100),
        ({"status": "RUNNING", "progress": 7}, None),
        ({"status": "RUNNING"}, None),
    ],
)
def test_a_task_under_way_runs(answer: Any, told: Any, progress: int | None) -> None:
    assert state(answer(TASK | told)) == Running(progress)


def test_a_task_that_succeeded_has_files(answer: Any) -> None:
    assert state(answer(TASK | {"status": "SUCCEEDED", "output": [FILE]})) == Done((Output("video/mp4", FILE),))


@pytest.mark.parametrize(
    ("code", "error", "retryable"),
    [
        ("SAFETY.INPUT.TEXT", "moderation", False),
        ("SAFETY.OUTPUT.VIDEO", "moderation", False),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", "moderation", False),
        ("INPUT_PREPROCESSING.INTERNAL", "invalid_request", False),
        ("ASSET.INVALID", "invalid_request", False),
        ("INTERNAL.BAD_OUTPUT.CODE01", "upstream_error", True),
        ("THIRD_PARTY.UNAVAILABLE", "upstream_error", True),
        (None, "upstream_error", True),
    ],
)
def test_a_task_that_failed_is_read_by_its_code(answer: Any, code: str | None, error: str, retryable: bool) -> None:
    told = TASK | {"status": "FAILED", "failure": "Not for customers.", "failureCode": code}
    failed = state(answer(told))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (error, retryable)
    assert "Not for customers" not in failed.error.message


def test_a_task_that_was_stopped_may_be_tried_again(answer: Any) -> None:
    failed = state(answer(TASK | {"status": "CANCELLED"}))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("canceled_upstream", True)


def test_a_task_that_is_not_found_is_lost(answer: Any) -> None:
    failed = state(answer({"error": "The task could not be found."}, 404))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize("told", [TASK | {"status": "SLEEPING"}, {"id": ID}])
def test_an_unknown_status_is_asked_for_again(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        state(answer(told))
    assert caught.value.retryable


@pytest.mark.parametrize("output", [None, [], [3], "a"])
def test_success_without_a_file_is_unreadable(answer: Any, output: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(TASK | {"status": "SUCCEEDED", "output": output}))


@pytest.mark.parametrize(
    ("status", "words", "kind", "retryable"),
    [
        (401, "You provided an invalid API key.", CredentialRefused, False),
        (400, "You do not have enough credits to run this task.", CredentialRefused, False),
        (429, "You have reached your daily task limit.", UpstreamOverloaded, True),
        (502, "Bad gateway.", UpstreamError, True),
    ],
)
def test_a_refusal_is_the_deployments_or_runways_fault(
    answer: Any, status: int, words: str, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        RUNWAY.accepted(answer({"error": words}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


def test_a_refusal_of_the_order_is_passed_on(answer: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RUNWAY.accepted(answer({"error": "Validation of body failed", "issues": []}, 400))
    assert caught.value.message == "Validation of body failed"
