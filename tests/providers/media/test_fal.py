"""Tests of fal: the queued request, the meaning of status and result, and the check of its deliveries."""

import base64
import hashlib
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.canonical.media import Done, Failed, Moved, Output, Running
from gateway.errors import AuthenticationFailed, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.fal import FAL, MODELS

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("key-id:key-secret")
SETTINGS = Credential("", None, {"user_id": "user-1"})
KLING = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
RESULT = "fal-ai/kling-video/requests/024ca5b1-45d3-4afd-883e-ad3abe2a1c4d"
HANDLE = f"{RESULT}/status"
QUEUED = {
    "status": "IN_QUEUE",
    "request_id": "024ca5b1-45d3-4afd-883e-ad3abe2a1c4d",
    "queue_position": 0,
    "response_url": f"https://queue.fal.run/{RESULT}",
    "status_url": f"https://queue.fal.run/{RESULT}/status",
    "cancel_url": f"https://queue.fal.run/{RESULT}/cancel",
}
FILE = "https://v3b.fal.media/files/b/0a8c/output.mp4"


def status(told: Any) -> Any:
    return FAL.state(HANDLE, told, CREDENTIAL)


def result(told: Any) -> Any:
    return FAL.state(RESULT, told, CREDENTIAL)


def test_a_text_goes_to_the_models_endpoint(order: Any) -> None:
    asked = order(KLING, seconds="10", aspect_ratio="1:1", negative_prompt="blur")
    request = FAL.submit(asked, CREDENTIAL, NOW_S)
    assert (request.method, request.url) == ("POST", f"https://queue.fal.run/{KLING}")
    assert dict(request.headers)["authorization"] == "Key key-id:key-secret"
    assert orjson.loads(request.body) == {
        "prompt": "a red cube",
        "duration": "10",
        "aspect_ratio": "1:1",
        "negative_prompt": "blur",
    }


def test_an_image_goes_to_the_endpoint_beside_it(order: Any) -> None:
    asked = order(KLING, image=True, seconds="5", aspect_ratio="16:9")
    request = FAL.submit(asked, CREDENTIAL, NOW_S)
    assert request.url == "https://queue.fal.run/fal-ai/kling-video/v2.5-turbo/pro/image-to-video"
    assert orjson.loads(request.body) == {
        "prompt": "a red cube",
        "duration": "5",
        "image_url": "https://files.example/a.png?signed=1",
    }


def test_a_call_back_is_named_in_the_query(order: Any) -> None:
    asked = order(KLING, callback_url="https://gateway.example/v1/callbacks/fal/gen_1/1?a=b")
    assert FAL.submit(asked, CREDENTIAL, NOW_S).url == (
        f"https://queue.fal.run/{KLING}?fal_webhook=https%3A%2F%2Fgateway.example%2Fv1%2Fcallbacks%2Ffal%2Fgen_1%2F1%3Fa%3Db"
    )


def test_what_a_model_wants_a_number_for_is_one(order: Any) -> None:
    asked = order("fal-ai/ltx-2/text-to-video", seconds="6", aspect_ratio="16:9")
    assert orjson.loads(FAL.submit(asked, CREDENTIAL, NOW_S).body) == {
        "prompt": "a red cube",
        "duration": 6,
        "resolution": "1080p",
        "fps": 25,
        "generate_audio": True,
    }


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_one_that_fal_can_be_asked_for(order: Any, model: str) -> None:
    for image in (False, True):
        assert FAL.submit(order(model, image=image), CREDENTIAL, NOW_S).url.startswith("https://queue.fal.run/fal-ai/")


def test_an_unknown_model_is_the_deployments_fault(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        FAL.submit(order("fal-ai/else"), CREDENTIAL, NOW_S)
    assert not caught.value.retryable


def test_the_handle_is_the_status_path_without_the_host(answer: Any) -> None:
    assert FAL.accepted(answer(QUEUED)) == HANDLE


def test_a_host_with_a_path_of_its_own_is_left_out_too(answer: Any) -> None:
    assert FAL.accepted(answer(QUEUED | {"status_url": f"http://127.0.0.1:1/fal/{HANDLE}"})) == HANDLE


@pytest.mark.parametrize(
    "url", [None, "", "https://queue.fal.run/status", f"{HANDLE}", f"https://x/{HANDLE}?a=/status"]
)
def test_a_submission_without_a_status_address_is_unreadable(answer: Any, url: str | None) -> None:
    with pytest.raises(UpstreamError):
        FAL.accepted(answer(QUEUED | {"status_url": url}))


def test_status_result_and_cancel_are_at_the_apps_address() -> None:
    credential = Credential("k", "http://127.0.0.1:1/fal")
    assert FAL.poll(HANDLE, credential, NOW_S).url == f"http://127.0.0.1:1/fal/{RESULT}/status"
    assert FAL.poll(RESULT, credential, NOW_S).url == f"http://127.0.0.1:1/fal/{RESULT}"
    assert FAL.cancel is not None
    canceled = FAL.cancel(HANDLE, credential, NOW_S)
    assert (canceled.method, canceled.url) == ("PUT", f"http://127.0.0.1:1/fal/{RESULT}/cancel")


@pytest.mark.parametrize("word", ["IN_QUEUE", "IN_PROGRESS"])
def test_a_request_in_the_queue_runs(answer: Any, word: str) -> None:
    assert status(answer(QUEUED | {"status": word}, 202)) == Running()


def test_a_completed_request_is_to_be_asked_for_its_result(answer: Any) -> None:
    assert status(answer({"status": "COMPLETED", "logs": None, "metrics": {}})) == Moved(RESULT)


def test_a_failure_that_is_the_models_is_told_by_the_result(answer: Any) -> None:
    told = {"status": "COMPLETED", "error": "Unprocessable", "error_type": "content_policy_violation"}
    assert status(answer(told)) == Moved(RESULT)


def test_a_runner_that_broke_may_do_better_next_time(answer: Any) -> None:
    failed = status(answer({"status": "COMPLETED", "error": "x", "error_type": "runner_disconnected"}))
    assert isinstance(failed, Failed)
    assert failed.error.retryable


def test_an_unknown_status_is_named_and_asked_again(answer: Any) -> None:
    with pytest.raises(UpstreamError, match="DREAMING") as caught:
        status(answer({"status": "DREAMING"}))
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("told", "output"),
    [
        (
            {"video": {"url": FILE, "content_type": "video/mp4", "width": 1920, "height": 1080, "duration": 5.04}},
            Output("video/mp4", FILE, duration_ms=5040, width=1920, height=1080),
        ),
        (
            {
                "model_glb": {"url": "https://v3b.fal.media/f/m.glb", "content_type": "application/octet-stream"},
                "model_urls": {"obj": None},
            },
            Output("model/gltf-binary", "https://v3b.fal.media/f/m.glb"),
        ),
        (
            {"model_mesh": {"url": "https://v3b.fal.media/f/m", "content_type": "model/gltf-binary"}, "seed": 1},
            Output("model/gltf-binary", "https://v3b.fal.media/f/m"),
        ),
    ],
)
def test_a_result_is_the_file_that_the_model_made(answer: Any, told: Any, output: Output) -> None:
    assert result(answer(told)) == Done((output,))


@pytest.mark.parametrize("told", [{}, {"video": None}, {"video": {}}, {"images": [{"url": FILE}]}])
def test_a_result_without_a_file_is_unreadable(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError):
        result(answer(told))


def error(kind: str, words: str = "no") -> Any:
    return {"detail": [{"loc": ["body", "prompt"], "msg": words, "type": kind, "url": "https://docs.fal.ai/errors"}]}


@pytest.mark.parametrize(
    ("told", "code", "headers", "expected", "retryable"),
    [
        (error("content_policy_violation"), 422, {}, "moderation", False),
        (error("image_too_small"), 422, {}, "invalid_request", False),
        ({"detail": "The image cannot be read"}, 400, {}, "invalid_request", False),
        (error("generation_timeout"), 504, {}, "upstream_error", True),
        ({"detail": "x"}, 500, {"x_fal_error_type": "runner_server_error"}, "upstream_error", True),
    ],
)
def test_a_failed_result_says_why(
    answer: Any, told: Any, code: int, headers: dict[str, str], expected: str, retryable: bool
) -> None:
    failed = result(answer(told, code, **headers))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (expected, retryable)


def test_a_failure_of_the_queue_is_not_the_tasks(answer: Any) -> None:
    with pytest.raises(UpstreamError):
        result(answer(b"<html>", 502))


@pytest.mark.parametrize("read", [status, result])
def test_a_request_that_its_vendor_does_not_know_is_lost(answer: Any, read: Any) -> None:
    failed = read(answer({"detail": "Request not found"}, 404))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


def test_a_forbidden_prompt_is_refused_as_such(answer: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        FAL.accepted(answer(error("content_policy_violation", "flagged"), 422))
    assert (caught.value.code, caught.value.message) == ("moderation", "flagged")


@pytest.mark.parametrize(("code", "kind", "retryable"), [(401, UpstreamError, False), (429, UpstreamOverloaded, True)])
def test_the_account_and_the_moment_are_the_providers(
    answer: Any, code: int, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(kind) as caught:
        FAL.accepted(answer({"detail": "no"}, code))
    assert caught.value.retryable is retryable


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def key_set(*keys: Ed25519PrivateKey) -> bytes:
    found = [base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=") for key in keys]
    return orjson.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x} for x in found]})


def headers(
    raw: bytes, key: Ed25519PrivateKey = PRIVATE, timestamp: str = str(int(NOW_S)), user: str = "user-1"
) -> dict[str, str]:
    message = "\n".join(("request-1", user, timestamp, hashlib.sha256(raw).hexdigest())).encode()
    return {
        "x-fal-webhook-request-id": "request-1",
        "x-fal-webhook-user-id": user,
        "x-fal-webhook-timestamp": timestamp,
        "x-fal-webhook-signature": key.sign(message).hex(),
    }


def verify(given: dict[str, str], keys: bytes) -> None:
    assert FAL.callback is not None
    FAL.callback.verify(given, b'{"status": "OK"}', SETTINGS, keys, NOW_S)


def test_a_delivery_signed_by_any_published_key_is_its_own() -> None:
    verify(headers(b'{"status": "OK"}'), key_set(OTHER, PRIVATE))


@pytest.mark.parametrize(
    "given",
    [
        headers(b'{"status":"OK"}'),
        headers(b'{"status": "OK"}', OTHER),
        headers(b'{"status": "OK"}', timestamp=str(int(NOW_S) - 301)),
        headers(b'{"status": "OK"}') | {"x-fal-webhook-user-id": "user-2"},
        # Whole and by fal's own key, of another account of fal's.
        headers(b'{"status": "OK"}', user="user-2"),
        headers(b'{"status": "OK"}', user=""),
        headers(b'{"status": "OK"}') | {"x-fal-webhook-signature": "zz"},
        headers(b'{"status": "OK"}') | {"x-fal-webhook-signature": ""},
        {},
    ],
)
def test_any_other_delivery_is_a_forgery(given: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed):
        verify(given, key_set(PRIVATE))


@pytest.mark.parametrize("keys", [b"<html>", b'{"keys": [{"x": "A"}]}', b'{"keys": 1}'])
def test_keys_that_cannot_be_read_are_the_providers_fault(keys: bytes) -> None:
    with pytest.raises(UpstreamError):
        verify(headers(b'{"status": "OK"}'), keys)


def test_the_keys_are_where_fal_publishes_them_or_the_operator_says() -> None:
    assert FAL.callback is not None
    assert FAL.callback.keys is not None
    assert FAL.callback.keys(CREDENTIAL).url == "https://rest.fal.ai/.well-known/jwks.json"
    local = Credential("k", None, {"jwks_url": "http://127.0.0.1:1/jwks.json"})
    assert (FAL.callback.keys(local).method, FAL.callback.keys(local).url) == ("GET", "http://127.0.0.1:1/jwks.json")


@pytest.mark.parametrize("given", [{}, headers(b"", user="user-2"), headers(b"", timestamp=str(int(NOW_S) - 301))])
def test_a_delivery_claims_to_be_of_the_account_and_of_now_or_is_refused_before_keys_are_read(
    given: dict[str, str],
) -> None:
    assert FAL.callback is not None
    assert FAL.callback.claim is not None
    FAL.callback.claim(headers(b""), SETTINGS, NOW_S)
    with pytest.raises(AuthenticationFailed):
        FAL.callback.claim(given, SETTINGS, NOW_S)
