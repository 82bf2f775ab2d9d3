"""Tests of Meshy: the request, the address of a task, and the meaning of its states."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Moved, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.meshy import MESHY

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("msy_1")
TASK_ID = "018a210d-8ba4-705c-b111-1f1776f7f578"
HANDLE = f"v2/text-to-3d/{TASK_ID}"
TASK = {"id": TASK_ID, "status": "PENDING", "progress": 0, "model_urls": {}, "task_error": {"message": ""}}


def state(told: Any, handle: str = HANDLE) -> Any:
    return MESHY.state(handle, told, CREDENTIAL)


def test_a_text_becomes_a_preview_in_the_format_that_was_asked_for(order: Any) -> None:
    request = MESHY.submit(order("meshy-6", output_format="stl"), CREDENTIAL, NOW_S)
    assert (request.method, request.url) == ("POST", "https://api.meshy.ai/openapi/v2/text-to-3d")
    assert dict(request.headers)["authorization"] == "Bearer msy_1"
    assert orjson.loads(request.body) == {
        "ai_model": "meshy-6",
        "mode": "preview",
        "prompt": "a red cube",
        "target_formats": ["stl"],
    }


def test_an_image_becomes_a_textured_model(order: Any) -> None:
    request = MESHY.submit(order("meshy-5", image=True), CREDENTIAL, NOW_S)
    assert request.url == "https://api.meshy.ai/openapi/v1/image-to-3d"
    assert orjson.loads(request.body) == {
        "ai_model": "meshy-5",
        "prompt": "a red cube",
        "image_url": "https://files.example/a.png?signed=1",
        "enable_pbr": True,
        "target_formats": ["glb"],
    }


def test_an_image_that_meshy_does_not_read_is_refused(order: Any, webp: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        MESHY.submit(webp(order("meshy-6", image=True)), CREDENTIAL, NOW_S)
    assert caught.value.param == "reference_image_url"


def test_the_handle_is_where_a_task_from_text_would_be(answer: Any) -> None:
    assert MESHY.accepted(answer({"result": TASK_ID}, 202)) == HANDLE


def test_polling_and_cancelling_go_to_the_handle() -> None:
    polled = MESHY.poll(HANDLE, Credential("k", "http://127.0.0.1:1/meshy"), NOW_S)
    assert (polled.method, polled.url) == ("GET", f"http://127.0.0.1:1/meshy/openapi/{HANDLE}")
    assert MESHY.cancel is not None
    canceled = MESHY.cancel(HANDLE, CREDENTIAL, NOW_S)
    assert (canceled.method, canceled.url) == ("DELETE", f"https://api.meshy.ai/openapi/{HANDLE}")


def test_who_is_not_among_the_texts_is_looked_for_among_the_images(answer: Any) -> None:
    assert state(answer({"message": "Task not found"}, 404)) == Moved(f"v1/image-to-3d/{TASK_ID}")


def test_who_is_not_among_the_images_either_is_lost(answer: Any) -> None:
    failed = state(answer({"message": "Task not found"}, 404), f"v1/image-to-3d/{TASK_ID}")
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize(
    ("word", "progress", "running"),
    [("PENDING", 0, Running()), ("IN_PROGRESS", 42, Running(42)), ("IN_PROGRESS", None, Running())],
)
def test_a_task_under_way_runs(answer: Any, word: str, progress: int | None, running: Running) -> None:
    assert state(answer(TASK | {"status": word, "progress": progress})) == running


@pytest.mark.parametrize(
    ("urls", "output"),
    [
        ({"glb": "https://a.example/m.glb?e=1"}, Output("model/gltf-binary", "https://a.example/m.glb?e=1")),
        ({"glb": "", "usdz": "https://a.example/m"}, Output("model/vnd.usdz+zip", "https://a.example/m")),
        (
            {"obj": "https://a.example/m.obj", "mtl": "https://a.example/m.mtl"},
            Output("model/obj", "https://a.example/m.obj"),
        ),
    ],
)
def test_success_is_the_file_of_the_format(answer: Any, urls: dict[str, str], output: Output) -> None:
    assert state(answer(TASK | {"status": "SUCCEEDED", "model_urls": urls})) == Done((output,))


@pytest.mark.parametrize("urls", [None, {}, {"mtl": "https://a.example/m.mtl"}])
def test_success_without_a_file_is_unreadable(answer: Any, urls: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(TASK | {"status": "SUCCEEDED", "model_urls": urls}))


@pytest.mark.parametrize(
    ("word", "code"),
    [("FAILED", "upstream_error"), ("CANCELED", "canceled_upstream"), ("EXPIRED", "task_lost")],
)
def test_a_task_that_ended_without_a_file_may_do_better_elsewhere(answer: Any, word: str, code: str) -> None:
    failed = state(answer(TASK | {"status": word, "task_error": {"message": "The server is busy."}}))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (code, True)


def test_an_unknown_status_is_named_and_asked_again(answer: Any) -> None:
    with pytest.raises(UpstreamError, match="DREAMING"):
        state(answer(TASK | {"status": "DREAMING"}))


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, CredentialRefused, False),
        (402, CredentialRefused, False),
        (429, UpstreamOverloaded, True),
        (500, UpstreamError, True),
    ],
)
def test_the_account_and_the_moment_are_the_providers(
    answer: Any, status: int, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        MESHY.accepted(answer({"message": "no"}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


def test_an_order_that_meshy_refuses_is_told_in_its_words(answer: Any) -> None:
    with pytest.raises(InvalidRequest, match="Prompt is too long"):
        MESHY.accepted(answer({"message": "Prompt is too long"}, 400))
