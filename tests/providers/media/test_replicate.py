"""Tests of Replicate: the request, the meaning of its answers, and the check of its deliveries."""

import base64
import hmac
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import AuthenticationFailed, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.replicate import REPLICATE
from tests.recorded import files, read_recording

NOW_S = 1_795_244_400.75
SECRET = b"a secret of thirty-two bytes ...."
CREDENTIAL = Credential("r8-1", None, {"webhook_secret": "whsec_" + base64.b64encode(SECRET).decode()})
PREDICTION: dict[str, Any] = {
    "id": "x18c1re8mxrma0crb3x8wbwqmg",
    "model": "minimax/hailuo-02",
    "status": "starting",
    "input": {},
    "output": None,
    "error": None,
    "logs": "",
    "urls": {"get": "https://api.replicate.com/v1/predictions/x18c1re8mxrma0crb3x8wbwqmg"},
}
HUNYUAN_2 = "b1b9449a1277e10402781c5d41eb30c0a0683504fb23fab591ca9dfc2aabe1cb"
FILE = "https://replicate.delivery/xezq/1/output.mp4"


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def state(told: Any) -> Any:
    return REPLICATE.state(PREDICTION["id"], told, CREDENTIAL)


def test_an_official_model_is_asked_under_its_name(order: Any) -> None:
    request = REPLICATE.submit(order("minimax/hailuo-02", seconds="6", aspect_ratio="16:9"), CREDENTIAL, NOW_S)
    assert (request.method, request.url) == (
        "POST",
        "https://api.replicate.com/v1/models/minimax/hailuo-02/predictions",
    )
    assert dict(request.headers)["authorization"] == "Bearer r8-1"
    assert body(request) == {"input": {"prompt": "a red cube", "duration": 6, "resolution": "768p"}}


def test_any_other_model_is_asked_by_its_version(order: Any) -> None:
    model = f"tencent/hunyuan3d-2:{HUNYUAN_2}"
    request = REPLICATE.submit(order(model, image=True, seed=7), CREDENTIAL, NOW_S)
    assert request.url == "https://api.replicate.com/v1/predictions"
    assert body(request) == {
        "version": HUNYUAN_2,
        "input": {"image": "https://files.example/a.png?signed=1", "seed": 7, "remove_background": True},
    }


def test_an_image_decides_the_ratio(order: Any) -> None:
    asked = order("bytedance/seedance-1-pro", image=True, seconds="12", aspect_ratio="9:16", seed=0)
    assert body(REPLICATE.submit(asked, CREDENTIAL, NOW_S))["input"] == {
        "prompt": "a red cube",
        "duration": 12,
        "image": "https://files.example/a.png?signed=1",
        "seed": 0,
        "resolution": "720p",
    }


def test_a_call_back_is_asked_for_at_the_end_only(order: Any) -> None:
    asked = order("minimax/hailuo-02", callback_url="https://gateway.example/v1/callbacks/replicate/gen_1/1")
    request = REPLICATE.submit(asked, CREDENTIAL, NOW_S)
    assert body(request)["webhook"] == "https://gateway.example/v1/callbacks/replicate/gen_1/1"
    assert body(request)["webhook_events_filter"] == ["completed"]


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        REPLICATE.submit(order("another/model"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_predictions_id(answer: Any) -> None:
    assert REPLICATE.accepted(answer(PREDICTION, 201)) == PREDICTION["id"]


def test_polling_and_cancelling_go_to_the_prediction() -> None:
    credential = Credential("r8-1", "http://127.0.0.1:1/replicate/")
    polled = REPLICATE.poll("a/b", credential, NOW_S)
    assert (polled.method, polled.url) == ("GET", "http://127.0.0.1:1/replicate/v1/predictions/a%2Fb")
    assert REPLICATE.cancel is not None
    canceled = REPLICATE.cancel("ab", credential, NOW_S)
    assert (canceled.method, canceled.url) == ("POST", "http://127.0.0.1:1/replicate/v1/predictions/ab/cancel")


@pytest.mark.parametrize("word", ["starting", "processing"])
def test_a_prediction_under_way_runs(answer: Any, word: str) -> None:
    assert state(answer(PREDICTION | {"status": word})) == Running()


@pytest.mark.parametrize(
    ("output", "outputs"),
    [
        (FILE, (Output("video/mp4", FILE),)),
        ([FILE, FILE], (Output("video/mp4", FILE), Output("video/mp4", FILE))),
        (
            {"mesh": "https://replicate.delivery/1/textured.glb", "preview": None},
            (Output("model/gltf-binary", "https://replicate.delivery/1/textured.glb"),),
        ),
        ("https://replicate.delivery/1/out", (Output("application/octet-stream", "https://replicate.delivery/1/out"),)),
    ],
)
def test_the_output_is_a_text_a_list_or_named(answer: Any, output: Any, outputs: tuple[Output, ...]) -> None:
    assert state(answer(PREDICTION | {"status": "succeeded", "output": output})) == Done(outputs)


@pytest.mark.parametrize("output", [None, [], {}, 3, [3]])
def test_success_without_a_file_is_unreadable(answer: Any, output: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(PREDICTION | {"status": "succeeded", "output": output}))


@pytest.mark.parametrize(
    ("status", "error", "code", "retryable"),
    [
        ("failed", "The input or output was flagged as sensitive. Please try again. (E005)", "moderation", False),
        ("failed", "CUDA out of memory at node 10.0.0.1", "upstream_error", True),
        ("canceled", None, "canceled_upstream", True),
        ("aborted", None, "canceled_upstream", True),
    ],
)
def test_a_failure_says_whether_another_attempt_may_do_better(
    answer: Any, status: str, error: str | None, code: str, retryable: bool
) -> None:
    failed = state(answer(PREDICTION | {"status": status, "error": error}))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (code, retryable)
    assert "10.0.0.1" not in failed.error.message


def test_an_unknown_status_is_named_and_asked_again(answer: Any) -> None:
    with pytest.raises(UpstreamError, match="dreaming") as caught:
        state(answer(PREDICTION | {"status": "dreaming"}))
    assert caught.value.retryable


def test_a_prediction_that_its_vendor_does_not_know_is_lost(answer: Any) -> None:
    failed = state(answer({"detail": "Not found."}, 404))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (401, UpstreamError, False),
        (402, UpstreamError, False),
        (429, UpstreamOverloaded, True),
        (500, UpstreamError, True),
    ],
)
def test_a_refusal_of_the_account_or_of_the_moment_is_the_providers(
    answer: Any, status: int, error: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(error) as caught:
        REPLICATE.accepted(answer({"detail": "no", "status": status}, status, retry_after="3"))
    assert caught.value.retryable is retryable


def test_a_refused_input_is_told_in_the_providers_words_without_addresses(answer: Any) -> None:
    refused = {"title": "Input validation failed", "detail": "- input.duration must be 6 (see https://x.example/1)"}
    with pytest.raises(InvalidRequest) as caught:
        REPLICATE.accepted(answer(refused, 422))
    assert caught.value.message == "- input.duration must be 6 (see [hidden]"


def signature(content: bytes, secret: bytes = SECRET) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()


def headers(raw: bytes, *, timestamp: str = str(int(NOW_S)), signatures: str | None = None) -> dict[str, str]:
    content = f"msg_1.{timestamp}.".encode() + raw
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(content) if signatures is None else signatures,
    }


def verify(given: dict[str, str], raw: bytes = b"{}", credential: Credential = CREDENTIAL) -> None:
    assert REPLICATE.callback is not None
    REPLICATE.callback.verify(given, raw, credential, b"", NOW_S)


def test_a_delivery_with_the_secrets_signature_is_its_own() -> None:
    verify(headers(b"{}"))


def test_one_good_signature_of_several_suffices() -> None:
    good = headers(b"{}")["webhook-signature"]
    verify(headers(b"{}", signatures=f"v1,AAAA v2,{good[3:]} {good}"))


@pytest.mark.parametrize("offset_s", [-299, 300])
def test_nearly_five_minutes_either_way_are_fresh(offset_s: int) -> None:
    verify(headers(b"{}", timestamp=str(int(NOW_S) + offset_s)))


@pytest.mark.parametrize(
    "given",
    [
        headers(b"{ }"),
        headers(b"{}", timestamp=str(int(NOW_S) - 301)),
        headers(b"{}", timestamp=str(int(NOW_S) + 302)),
        headers(b"{}", timestamp="now"),
        headers(b"{}", timestamp="\u0661"),
        headers(b"{}", signatures="v1,\u00e9"),
        headers(b"{}", signatures="v1"),
        headers(b"{}", signatures=signature(f"msg_1.{int(NOW_S)}.".encode() + b"{}", b"another")),
        {name: value for name, value in headers(b"{}").items() if name != "webhook-id"},
        {},
    ],
)
def test_any_other_delivery_is_a_forgery(given: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed):
        verify(given)


def test_without_a_secret_the_vendor_is_not_asked_to_call_back() -> None:
    assert REPLICATE.callback is not None
    assert not REPLICATE.callback.usable(None)
    assert not REPLICATE.callback.usable(Credential("", None, {"webhook_secret": ""}))
    assert REPLICATE.callback.usable(CREDENTIAL)


def test_an_unreadable_secret_is_the_deployments_fault() -> None:
    with pytest.raises(UpstreamError):
        verify(headers(b"{}"), credential=Credential("r8-1", None, {"webhook_secret": "whsec_?"}))


RECORDED = files("replicate/predictions/*.json")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_answers_are_read(path: Path, answer: Any) -> None:
    recorded = read_recording(path)
    told = answer(recorded["response"]["body_text"].encode(), recorded["response"]["status"])
    prediction = orjson.loads(told.body)
    if recorded["request"]["method"] == "POST":
        assert REPLICATE.accepted(told) == prediction["id"]
    elif prediction["status"] == "succeeded":
        files_made = prediction["output"]
        assert [output.url for output in state(told).outputs] == (
            [files_made] if isinstance(files_made, str) else files_made
        )
    else:
        assert state(told) == Running()
