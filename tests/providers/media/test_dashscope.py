"""Tests of DashScope: the request to each of Wan's models, and the meaning of a task's answers."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.dashscope import DASHSCOPE, MODELS

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("sk-1")
ID = "0385dc79-5ff8-4d82-bcb6-cffd7a4b1234"
FILE = "https://dashscope-result-sgp.oss-ap-southeast-1.aliyuncs.com/1d/7d/a.mp4?Expires=1795330800"


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def task(**output: Any) -> dict[str, Any]:
    return {"request_id": "c1209113-8437-424f-a386-000000000000", "output": {"task_id": ID, **output}}


def state(told: Any) -> Any:
    return DASHSCOPE.state(ID, told, CREDENTIAL)


def test_a_text_is_asked_for_by_its_size(order: Any) -> None:
    request = DASHSCOPE.submit(order("wan2.6/720P", seconds="10", aspect_ratio="3:4"), CREDENTIAL, NOW_S)
    assert request.url == ("https://dashscope-intl.aliyuncs.com/api/v1/services/aigc/video-generation/video-synthesis")
    assert dict(request.headers) == {
        "content-type": "application/json",
        "x-dashscope-async": "enable",
        "authorization": "Bearer sk-1",
    }
    assert body(request) == {
        "model": "wan2.6-t2v",
        "input": {"prompt": "a red cube"},
        "parameters": {"size": "832*1088", "duration": 10},
    }


def test_an_image_is_the_first_frame_of_the_sibling_model(order: Any) -> None:
    asked = order("wan2.6/1080P", image=True, seconds="5", aspect_ratio="9:16", negative_prompt="fog", seed=0)
    assert body(DASHSCOPE.submit(asked, CREDENTIAL, NOW_S)) == {
        "model": "wan2.6-i2v",
        "input": {
            "prompt": "a red cube",
            "img_url": "https://files.example/a.png?signed=1",
            "negative_prompt": "fog",
        },
        "parameters": {"resolution": "1080P", "duration": 5, "seed": 0},
    }


@pytest.mark.parametrize(("model", "size"), [("wan2.6/720P", "1280*720"), ("wan2.6/1080P", "1920*1080")])
def test_the_size_is_never_left_to_the_model(order: Any, model: str, size: str) -> None:
    assert body(DASHSCOPE.submit(order(model), CREDENTIAL, NOW_S))["parameters"] == {"size": size}


def test_every_model_makes_every_ratio_of_the_contract(order: Any) -> None:
    for model in (name for name, row in MODELS.items() if row.from_text is not None):
        sizes = {
            body(DASHSCOPE.submit(order(model, aspect_ratio=ratio), CREDENTIAL, NOW_S))["parameters"]["size"]
            for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4")
        }
        assert len(sizes) == 5


def test_a_model_that_starts_from_an_image_wants_one(order: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DASHSCOPE.submit(order("wan2.6-flash/720P"), CREDENTIAL, NOW_S)
    assert caught.value.param == "reference_image_url"


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        DASHSCOPE.submit(order("wan2.6-t2v"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_tasks_id(answer: Any) -> None:
    assert DASHSCOPE.accepted(answer(task(task_status="PENDING"))) == ID


def test_looking_and_stopping_go_to_the_task() -> None:
    credential = Credential("sk-1", "http://127.0.0.1:1/api/v1/")
    looked = DASHSCOPE.poll("a/b", credential, NOW_S)
    assert (looked.method, looked.url) == ("GET", "http://127.0.0.1:1/api/v1/tasks/a%2Fb")
    assert DASHSCOPE.cancel is not None
    stopped = DASHSCOPE.cancel("ab", credential, NOW_S)
    assert (stopped.method, stopped.url) == ("POST", "http://127.0.0.1:1/api/v1/tasks/ab/cancel")


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "SUSPENDED"])
def test_a_task_under_way_runs(answer: Any, word: str) -> None:
    assert state(answer(task(task_status=word))) == Running()


def test_a_task_that_succeeded_has_a_video(answer: Any) -> None:
    told = task(task_status="SUCCEEDED", video_url=FILE, orig_prompt="a red cube")
    assert state(answer(told)) == Done((Output("video/mp4", FILE),))


@pytest.mark.parametrize(
    ("code", "error", "retryable"),
    [
        ("DataInspectionFailed", "moderation", False),
        ("DataInspectionFailed.Image", "moderation", False),
        ("IPInfringementSuspect", "moderation", False),
        ("InvalidParameter.DataInspection", "invalid_request", False),
        ("InvalidURL", "invalid_request", False),
        ("InternalError.Algo", "upstream_error", True),
        ("", "upstream_error", True),
    ],
)
def test_a_task_that_failed_is_read_by_its_code(answer: Any, code: str, error: str, retryable: bool) -> None:
    failed = state(answer(task(task_status="FAILED", code=code, message="Some words.")))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (error, retryable)


@pytest.mark.parametrize(("word", "error"), [("UNKNOWN", "task_lost"), ("CANCELED", "canceled_upstream")])
def test_a_task_that_is_gone_may_be_tried_again(answer: Any, word: str, error: str) -> None:
    failed = state(answer(task(task_status=word)))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (error, True)


def test_a_task_that_is_not_found_is_lost(answer: Any) -> None:
    failed = state(answer({"code": "InvalidParameter", "message": "no"}, 404))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize("word", ["THINKING", None])
def test_an_unknown_status_is_asked_for_again(answer: Any, word: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        state(answer(task(task_status=word)))
    assert caught.value.retryable
    assert str(word or "none") in caught.value.message


@pytest.mark.parametrize("told", [{}, {"output": None}, {"output": {"task_status": "SUCCEEDED"}}, b"<html>"])
def test_an_answer_without_what_matters_is_unreadable(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(told))


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (401, "InvalidApiKey", CredentialRefused, False),
        (403, "AccessDenied", CredentialRefused, False),
        (400, "Arrearage", CredentialRefused, False),
        (404, "ModelNotFound", UpstreamError, True),
        (429, "Throttling.RateQuota", UpstreamOverloaded, True),
        (500, "InternalError", UpstreamError, True),
    ],
)
def test_a_refusal_is_the_deployments_or_the_vendors_fault(
    answer: Any, status: int, code: str, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        DASHSCOPE.accepted(answer({"code": code, "message": "Some words.", "request_id": "1"}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(("code", "ours"), [("DataInspectionFailed", "moderation"), ("InvalidParameter", None)])
def test_a_refusal_of_the_order_is_passed_on(answer: Any, code: str, ours: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DASHSCOPE.accepted(answer({"code": code, "message": "Input may be inappropriate."}, 400))
    assert (caught.value.message, caught.value.code) == ("Input may be inappropriate.", ours)
