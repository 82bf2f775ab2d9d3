"""Tests of Kling: the request and its token, and the meaning of its service codes and states."""

import base64
import hmac
from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.kling import KLING

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("access", None, {"secret_key": "secret"})
TASK = {"task_id": "866168216002236456", "task_status": "submitted", "created_at": 1, "updated_at": 1}
FILE = "https://cdn.klingai.com/1/output.mp4"


def envelope(code: int = 0, message: str = "SUCCEED", **task: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": "r-1", "data": TASK | task}


def state(told: Any) -> Any:
    return KLING.state("text2video/866168216002236456", told, CREDENTIAL)


def decoded(part: str) -> Any:
    return orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_text_is_asked_with_a_signed_token(order: Any) -> None:
    asked = order("kling-v2-6", seconds="5", aspect_ratio="9:16", negative_prompt="blur")
    request = KLING.submit(asked, CREDENTIAL, NOW_S)
    assert (request.method, request.url) == ("POST", "https://api-singapore.klingai.com/v1/videos/text2video")
    assert orjson.loads(request.body) == {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "sound": "off",
        "prompt": "a red cube",
        "duration": "5",
        "aspect_ratio": "9:16",
        "negative_prompt": "blur",
        "external_task_id": "text2video-gen_1-1-1795244400750",
    }
    head, claims, signature = dict(request.headers)["authorization"].removeprefix("Bearer ").split(".")
    assert decoded(head) == {"alg": "HS256", "typ": "JWT"}
    assert decoded(claims) == {"iss": "access", "exp": 1_795_246_200, "nbf": 1_795_244_395}
    expected = hmac.digest(b"secret", f"{head}.{claims}".encode(), "sha256")
    assert base64.urlsafe_b64encode(expected).decode().rstrip("=") == signature


def test_an_image_goes_to_the_address_of_images(order: Any) -> None:
    asked = order("kling-v2-1-master", image=True, seconds="10", aspect_ratio="16:9")
    request = KLING.submit(asked, CREDENTIAL, NOW_S)
    assert request.url == "https://api-singapore.klingai.com/v1/videos/image2video"
    assert orjson.loads(request.body) == {
        "model_name": "kling-v2-1-master",
        "prompt": "a red cube",
        "duration": "10",
        "image": "https://files.example/a.png?signed=1",
        "external_task_id": "image2video-gen_1-1-1795244400750",
    }


def test_two_tries_of_one_attempt_have_two_external_ids(order: Any) -> None:
    first = orjson.loads(KLING.submit(order("kling-v1-6"), CREDENTIAL, NOW_S).body)
    second = orjson.loads(KLING.submit(order("kling-v1-6"), CREDENTIAL, NOW_S + 0.01).body)
    assert first["external_task_id"] != second["external_task_id"]


def test_an_image_that_kling_does_not_read_is_refused(order: Any, webp: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        KLING.submit(webp(order("kling-v2-6", image=True)), CREDENTIAL, NOW_S)
    assert caught.value.param == "reference_image_url"


def test_a_secret_key_that_is_missing_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        KLING.submit(order("kling-v2-6"), Credential("access"), NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_kind_and_the_tasks_id(answer: Any) -> None:
    told = envelope(task_info={"external_task_id": "image2video-gen_1-1-1795244400750"})
    assert KLING.accepted(answer(told)) == "image2video/866168216002236456"


@pytest.mark.parametrize("info", [None, {}, {"external_task_id": "else-1"}])
def test_a_task_of_no_known_kind_is_unreadable(answer: Any, info: Any) -> None:
    with pytest.raises(UpstreamError):
        KLING.accepted(answer(envelope(task_info=info)))


def test_polling_goes_to_the_kinds_address() -> None:
    request = KLING.poll("image2video/8661", Credential("a", "http://127.0.0.1:1/kling", {"secret_key": "s"}), NOW_S)
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:1/kling/v1/videos/image2video/8661")


@pytest.mark.parametrize("word", ["submitted", "processing"])
def test_a_task_under_way_runs(answer: Any, word: str) -> None:
    assert state(answer(envelope(task_status=word))) == Running()


def test_success_is_the_videos(answer: Any) -> None:
    told = envelope(task_status="succeed", task_result={"videos": [{"id": "v", "url": FILE, "duration": "5.1"}]})
    assert state(answer(told)) == Done((Output("video/mp4", FILE, duration_ms=5100),))


@pytest.mark.parametrize(
    "made",
    [
        None,
        {"videos": []},
        {"videos": [{"url": None}]},
        {"videos": [{"url": FILE, "duration": "long"}]},
        {"videos": [{"url": FILE, "duration": "inf"}]},
    ],
)
def test_success_without_a_file_is_unreadable(answer: Any, made: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(envelope(task_status="succeed", task_result=made)))


@pytest.mark.parametrize(
    ("words", "code", "retryable"),
    [
        ("Failure to pass the risk control system", "moderation", False),
        ("Internal failure of host 10.0.0.1", "upstream_error", True),
        (None, "upstream_error", True),
    ],
)
def test_a_failed_task_says_whether_another_attempt_may_do_better(
    answer: Any, words: str | None, code: str, retryable: bool
) -> None:
    failed = state(answer(envelope(task_status="failed", task_status_msg=words)))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (code, retryable)


def test_an_unknown_status_is_named_and_asked_again(answer: Any) -> None:
    with pytest.raises(UpstreamError, match="dreaming"):
        state(answer(envelope(task_status="dreaming")))


@pytest.mark.parametrize("status", [200, 404])
def test_a_task_that_its_vendor_does_not_know_is_lost(answer: Any, status: int) -> None:
    failed = state(answer({"code": 1203, "message": "The requested resource does not exist"}, status))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize(
    ("code", "status", "kind", "retryable"),
    [
        (1002, 401, CredentialRefused, False),
        (1102, 429, CredentialRefused, False),
        (1303, 429, UpstreamOverloaded, True),
        (5001, 503, UpstreamOverloaded, True),
        (5000, 500, UpstreamError, True),
    ],
)
def test_a_service_code_says_what_the_status_does_not(
    answer: Any, code: int, status: int, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        KLING.accepted(answer({"code": code, "message": "no", "request_id": "r"}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(("code", "expected"), [(1201, None), (1301, "moderation")])
def test_an_order_that_kling_refuses_is_told_in_its_words(answer: Any, code: int, expected: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        KLING.accepted(answer({"code": code, "message": "duration value is invalid"}, 400))
    assert (caught.value.code, caught.value.message) == (expected, "duration value is invalid")


def test_a_vendor_without_signatures_is_not_asked_to_call_back() -> None:
    assert (KLING.callback, KLING.verified) == (None, False)
