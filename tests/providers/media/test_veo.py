"""Tests of Veo: the request on each of Google's APIs, and the meaning of an operation's answers."""

import base64
from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.media.veo import GEMINI, VERTEX

NOW_S = 1_795_244_400.75
FAST = "veo-3.1-fast-generate-001"
KEY = Credential("AIza-1")
TOKEN = Credential("ya29.1", None, {"project": "acme", "location": "us-central1"})
MODELS = "projects/acme/locations/us-central1/publishers/google/models"
NAME = f"{MODELS}/{FAST}/operations/4f5b2c1e-0000-4000-8000-0123456789ab"
DEVELOPER_NAME = "models/veo-3.1-fast-generate-preview/operations/idrk08ltkg0a"
FILE = "https://generativelanguage.googleapis.com/v1beta/files/abc123:download?alt=media"
REASON = "Sorry, we can't create videos with input that violates our usage guidelines. Support codes: 58061214"


def body(request: Any) -> Any:
    return orjson.loads(request.body)


def vertex_state(told: Any) -> Any:
    return VERTEX.state(NAME, told, TOKEN)


def developer_state(told: Any, credential: Credential = KEY) -> Any:
    return GEMINI.state(DEVELOPER_NAME, told, credential)


def done(**response: Any) -> dict[str, Any]:
    return {"name": NAME, "done": True, "response": response}


def test_vertex_is_asked_for_the_projects_model_by_token(order: Any) -> None:
    request = VERTEX.submit(order(FAST, seconds="8", aspect_ratio="9:16"), TOKEN, NOW_S)
    assert request.url == f"https://us-central1-aiplatform.googleapis.com/v1beta1/{MODELS}/{FAST}:predictLongRunning"
    assert dict(request.headers)["authorization"] == "Bearer ya29.1"
    assert body(request) == {
        "instances": [{"prompt": "a red cube"}],
        "parameters": {
            "sampleCount": 1,
            "resolution": "720p",
            "generateAudio": True,
            "durationSeconds": 8,
            "aspectRatio": "9:16",
        },
    }


def test_vertex_takes_a_seed_and_what_is_not_wanted(order: Any) -> None:
    asked = order(FAST, seconds="4", seed=0, negative_prompt="fog")
    parameters = body(VERTEX.submit(asked, TOKEN, NOW_S))["parameters"]
    assert (parameters["seed"], parameters["negativePrompt"]) == (0, "fog")


def test_the_developer_api_is_asked_by_key(order: Any) -> None:
    request = GEMINI.submit(order("veo-3.1-generate-preview", seconds="4"), KEY, NOW_S)
    assert request.url == (
        "https://generativelanguage.googleapis.com/v1beta/models/veo-3.1-generate-preview:predictLongRunning"
    )
    assert dict(request.headers)["x-goog-api-key"] == "AIza-1"
    assert body(request)["parameters"] == {"sampleCount": 1, "resolution": "720p", "durationSeconds": 4}


def test_the_developer_api_has_no_seed(order: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        GEMINI.submit(order("veo-3.1-generate-preview", seed=7), KEY, NOW_S)
    assert caught.value.param == "seed"


@pytest.mark.parametrize(("vendor", "credential"), [(VERTEX, TOKEN), (GEMINI, KEY)])
def test_an_image_goes_along_itself(order: Any, vendor: MediaVendor, credential: Credential) -> None:
    instance = body(vendor.submit(order(FAST, image=True), credential, NOW_S))["instances"][0]
    assert instance["image"] == {"bytesBase64Encoded": "iVBORw==", "mimeType": "image/png"}


def test_vertex_wants_to_know_the_project(order: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        VERTEX.submit(order(FAST), Credential("ya29.1"), NOW_S)
    assert not caught.value.retryable


def test_a_bucket_of_the_operators_is_where_vertex_puts_the_file(order: Any) -> None:
    credential = Credential("ya29.1", None, {"project": "acme", "storage_uri": "gs://acme-veo/"})
    assert body(VERTEX.submit(order(FAST), credential, NOW_S))["parameters"]["storageUri"] == "gs://acme-veo/"


@pytest.mark.parametrize("name", [NAME, DEVELOPER_NAME])
def test_the_handle_is_the_operations_name(answer: Any, name: str) -> None:
    assert VERTEX.accepted(answer({"name": name})) == name


@pytest.mark.parametrize(
    "name", ["", 3, None, "operations/../models/x", "projects/p/../operations/1", "x?y/operations/1"]
)
def test_a_name_that_leads_elsewhere_is_unreadable(answer: Any, name: Any) -> None:
    with pytest.raises(UpstreamError):
        VERTEX.accepted(answer({"name": name}))


def test_vertex_is_asked_for_an_operation_at_its_model() -> None:
    request = VERTEX.poll(NAME, TOKEN, NOW_S)
    assert (request.method, request.url) == (
        "POST",
        f"https://us-central1-aiplatform.googleapis.com/v1beta1/{MODELS}/{FAST}:fetchPredictOperation",
    )
    assert body(request) == {"operationName": NAME}


def test_the_developer_api_is_asked_for_an_operation_by_its_name() -> None:
    request = GEMINI.poll(DEVELOPER_NAME, Credential("k", "http://127.0.0.1:1/gemini/"), NOW_S)
    assert (request.method, request.url) == ("GET", f"http://127.0.0.1:1/gemini/v1beta/{DEVELOPER_NAME}")


@pytest.mark.parametrize("told", [{"name": NAME}, {"name": NAME, "done": False, "metadata": {}}])
def test_an_operation_that_is_not_done_runs(answer: Any, told: Any) -> None:
    assert vertex_state(answer(told)) == developer_state(answer(told)) == Running()


def test_vertex_sends_the_video_itself(answer: Any) -> None:
    encoded = base64.b64encode(b"\0\0\0\x18ftyp").decode()
    told = answer(done(raiMediaFilteredCount=0, videos=[{"bytesBase64Encoded": encoded, "mimeType": "video/mp4"}]))
    assert vertex_state(told) == Done((Output("video/mp4", content=b"\0\0\0\x18ftyp"),))


def test_a_video_in_a_bucket_is_opened_by_the_token(answer: Any) -> None:
    told = answer(done(videos=[{"gcsUri": "gs://acme-veo/1/sample_0.mp4", "mimeType": "video/mp4"}]))
    url = "https://storage.googleapis.com/acme-veo/1/sample_0.mp4"
    assert vertex_state(told) == Done((Output("video/mp4", url, (("authorization", "Bearer ya29.1"),)),))


def test_a_file_of_the_developer_api_is_opened_by_the_key(answer: Any) -> None:
    told = answer(done(generateVideoResponse={"generatedSamples": [{"video": {"uri": FILE}}]}))
    assert developer_state(told) == Done((Output("video/mp4", FILE, (("x-goog-api-key", "AIza-1"),)),))


@pytest.mark.parametrize("url", ["https://elsewhere.example/a.mp4", "https://generativelanguage.googleapis.com.evil/a"])
def test_the_key_goes_to_no_other_host(answer: Any, url: str) -> None:
    told = answer(done(generateVideoResponse={"generatedSamples": [{"video": {"uri": url}}]}))
    assert developer_state(told) == Done((Output("video/mp4", url),))


def test_a_filtered_video_is_a_matter_of_moderation(answer: Any) -> None:
    filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [REASON]}
    for state in (
        vertex_state(answer(done(**filtered))),
        developer_state(answer(done(generateVideoResponse=filtered))),
    ):
        assert isinstance(state, Failed)
        assert (state.error.code, state.error.message, state.error.retryable) == ("moderation", REASON, False)


@pytest.mark.parametrize(
    ("code", "words", "error", "retryable"),
    [
        (3, REASON, "moderation", False),
        (3, "The input image could not be decoded.", "invalid_request", False),
        (13, "Internal error encountered.", "upstream_error", True),
        (8, "Quota exceeded.", "upstream_error", True),
        (5, "Gone.", "task_lost", True),
        (1, "Cancelled.", "canceled_upstream", True),
    ],
)
def test_an_operations_error_is_read_by_its_code(
    answer: Any, code: int, words: str, error: str, retryable: bool
) -> None:
    state = vertex_state(answer({"name": NAME, "done": True, "error": {"code": code, "message": words}}))
    assert isinstance(state, Failed)
    assert (state.error.code, state.error.retryable) == (error, retryable)


@pytest.mark.parametrize(
    "told",
    [
        done(),
        done(videos=[]),
        done(videos=[{"bytesBase64Encoded": "?"}]),
        done(videos=[{}]),
        {"done": "yes"},
        b"<html>",
    ],
)
def test_an_end_without_a_video_is_unreadable(answer: Any, told: Any) -> None:
    with pytest.raises(UpstreamError):
        vertex_state(answer(told))


def test_an_operation_that_is_not_known_is_lost(answer: Any) -> None:
    state = vertex_state(answer({"error": {"code": 404, "message": "Operation not found."}}, 404))
    assert isinstance(state, Failed)
    assert (state.error.code, state.error.retryable) == ("task_lost", True)


@pytest.mark.parametrize(
    ("status", "words", "kind", "retryable"),
    [
        (400, "API key not valid. Please pass a valid API key.", CredentialRefused, False),
        (401, "Request had invalid authentication credentials.", CredentialRefused, False),
        (403, "Permission denied.", CredentialRefused, False),
        (404, "models/veo-1 is not found.", UpstreamError, True),
        (429, "Quota exceeded.", UpstreamOverloaded, True),
        (500, "Internal error.", UpstreamError, True),
    ],
)
def test_a_refusal_is_the_deployments_or_googles_fault(
    answer: Any, status: int, words: str, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        GEMINI.accepted(answer({"error": {"code": status, "message": words}}, status))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(("words", "code"), [(REASON, "moderation"), ("`seed` is out of bound.", None)])
def test_a_refusal_of_the_order_is_passed_on(answer: Any, words: str, code: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        VERTEX.accepted(answer({"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}, 400))
    assert (caught.value.message, caught.value.code) == (words, code)


def test_a_full_queue_says_when_to_come_back(answer: Any) -> None:
    with pytest.raises(UpstreamOverloaded) as caught:
        VERTEX.state(NAME, answer({"error": {"code": 429}}, 429, retry_after="7"), TOKEN)
    assert caught.value.retry_after_s == 7
