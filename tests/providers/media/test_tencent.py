"""Tests of Tencent Hunyuan 3D: the signed request, and the meaning of its codes and states."""

from typing import Any

import orjson
import pytest

from gateway.canonical.media import Done, Failed, Output, Running
from gateway.errors import CredentialRefused, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential
from gateway.providers.auth.tc3 import Signer
from gateway.providers.media.tencent import TENCENT

NOW_S = 1_795_244_400.75
CREDENTIAL = Credential("AKID1", None, {"secret_key": "secret"})
JOB_ID = "1357237233311637504"


def response(**told: Any) -> dict[str, Any]:
    return {"Response": {"RequestId": "e4de438f-acca-44f9-9f29-7df547c81680", **told}}


def refused(code: str, message: str = "no") -> dict[str, Any]:
    return response(Error={"Code": code, "Message": message})


def state(told: Any) -> Any:
    return TENCENT.state(JOB_ID, told, CREDENTIAL)


def made(kind: str) -> dict[str, str]:
    return {
        "Type": kind,
        "Url": f"https://cos.example/1.{kind.lower()}?sign=1",
        "PreviewImageUrl": "https://cos.example/1.png",
    }


def test_a_job_is_submitted_and_signed(order: Any) -> None:
    request = TENCENT.submit(order("3.1"), CREDENTIAL, NOW_S)
    assert (request.method, request.url) == ("POST", "https://ai3d.tencentcloudapi.com/")
    assert orjson.loads(request.body) == {
        "Model": "3.1",
        "GenerateType": "Normal",
        "EnablePBR": True,
        "Prompt": "a red cube",
    }
    signer = Signer("AKID1", "secret", "ai3d")
    assert dict(request.headers) == {
        "content-type": "application/json",
        "x-tc-action": "SubmitHunyuanTo3DProJob",
        "x-tc-version": "2025-05-13",
        "x-tc-region": "ap-guangzhou",
        "x-tc-timestamp": "1795244400",
        "authorization": signer.authorization(
            "ai3d.tencentcloudapi.com", "application/json", request.body, 1_795_244_400
        ),
    }


def test_an_image_goes_by_its_address(order: Any) -> None:
    body = orjson.loads(TENCENT.submit(order("3.0", image=True), CREDENTIAL, NOW_S).body)
    assert (body["Model"], body["ImageUrl"]) == ("3.0", "https://files.example/a.png?signed=1")


@pytest.mark.parametrize(("form", "named"), [("stl", "STL"), ("usdz", "USDZ"), ("fbx", "FBX"), ("glb", None)])
def test_a_format_is_named_unless_a_job_makes_it_anyway(order: Any, form: str, named: str | None) -> None:
    body = orjson.loads(TENCENT.submit(order("3.0", output_format=form), CREDENTIAL, NOW_S).body)
    assert body.get("ResultFormat") == named


def test_the_operators_endpoint_and_region_are_what_is_signed() -> None:
    credential = Credential("AKID1", "http://127.0.0.1:8080", {"secret_key": "secret", "region": "ap-singapore"})
    request = TENCENT.poll(JOB_ID, credential, NOW_S)
    told = dict(request.headers)
    signer = Signer("AKID1", "secret", "ai3d")
    assert (request.url, request.body) == ("http://127.0.0.1:8080/", orjson.dumps({"JobId": JOB_ID}))
    assert (told["x-tc-action"], told["x-tc-region"]) == ("QueryHunyuanTo3DProJob", "ap-singapore")
    assert told["authorization"] == signer.authorization(
        "127.0.0.1:8080", "application/json", request.body, 1_795_244_400
    )


def test_the_handle_is_the_jobs_id(answer: Any) -> None:
    assert TENCENT.accepted(answer(response(JobId=JOB_ID))) == JOB_ID


@pytest.mark.parametrize("word", ["WAIT", "RUN"])
def test_a_job_under_way_runs(answer: Any, word: str) -> None:
    assert state(answer(response(Status=word, ErrorCode="", ErrorMessage="", ResultFile3Ds=[]))) == Running()


@pytest.mark.parametrize(
    ("kinds", "output"),
    [
        (["OBJ", "GLB"], Output("model/gltf-binary", "https://cos.example/1.glb?sign=1")),
        (["OBJ", "GLB", "STL"], Output("model/stl", "https://cos.example/1.stl?sign=1")),
        (["FBX"], Output("model/vnd.fbx", "https://cos.example/1.fbx?sign=1")),
    ],
)
def test_success_is_the_format_that_was_named_or_the_glb(answer: Any, kinds: list[str], output: Output) -> None:
    told = response(Status="DONE", ResultFile3Ds=[made(kind) for kind in kinds])
    assert state(answer(told)) == Done((output,))


@pytest.mark.parametrize("files", [None, [], [made("OBJ")], [{"Type": "GLB", "Url": None}]])
def test_success_without_a_file_is_unreadable(answer: Any, files: Any) -> None:
    with pytest.raises(UpstreamError):
        state(answer(response(Status="DONE", ResultFile3Ds=files)))


@pytest.mark.parametrize(
    ("code", "expected", "retryable"),
    [
        ("OperationDenied.ImageIllegalDetected", "moderation", False),
        ("InvalidParameterValue.ImageSize", "invalid_request", False),
        ("InternalError", "upstream_error", True),
        ("", "upstream_error", True),
    ],
)
def test_a_failed_job_says_whether_another_attempt_may_do_better(
    answer: Any, code: str, expected: str, retryable: bool
) -> None:
    failed = state(answer(response(Status="FAIL", ErrorCode=code, ErrorMessage="words")))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == (expected, retryable)


def test_an_unknown_status_is_named_and_asked_again(answer: Any) -> None:
    with pytest.raises(UpstreamError, match="DREAM"):
        state(answer(response(Status="DREAM")))


@pytest.mark.parametrize("code", ["ResourceNotFound", "FailedOperation.JobNotExist"])
def test_a_job_that_its_vendor_does_not_know_is_lost(answer: Any, code: str) -> None:
    failed = state(answer(refused(code)))
    assert isinstance(failed, Failed)
    assert failed.error.code == "task_lost"


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("AuthFailure.SignatureFailure", CredentialRefused, False),
        ("ResourceUnavailable.InArrears", CredentialRefused, False),
        ("ResourceInsufficient", UpstreamOverloaded, True),
        ("RequestLimitExceeded.JobNumExceed", UpstreamOverloaded, True),
        ("FailedOperation.InnerError", UpstreamError, True),
        ("NobodyKnows", UpstreamError, True),
    ],
)
def test_a_refusal_with_status_200_means_what_its_code_says(
    answer: Any, code: str, kind: type[UpstreamError], retryable: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        TENCENT.accepted(answer(refused(code)))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("InvalidParameterValue.Prompt", None), ("OperationDenied.TextIllegalDetected", "moderation")],
)
def test_an_order_that_tencent_refuses_is_told_in_its_words(answer: Any, code: str, expected: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        TENCENT.accepted(answer(refused(code, "the words")))
    assert (caught.value.code, caught.value.message) == (expected, "the words")


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_status_without_a_code_speaks_for_itself(answer: Any, status: int) -> None:
    with pytest.raises(UpstreamError):
        TENCENT.accepted(answer(b"<html>", status))
