"""Tencent Hunyuan 3D, the professional edition: a job from a text or from an image.

https://cloud.tencent.com/document/api/1804/123447 (SubmitHunyuanTo3DProJob) and 123448 (QueryHunyuanTo3DProJob). Models
are the API's own versions. `api_key` is the secret id, `extra["secret_key"]` the secret key, `extra["region"]` where
the account has its quota. A refusal comes with status 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, as_objects, as_text, load
from gateway.providers.auth.tc3 import Signer
from gateway.providers.media.calls import JSON, host, origin
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import MIME_TYPES, as_name, blocked, broken, lost, refusal, unfit, unknown_status
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.outgoing import setting

_OWN = "https://ai3d.tencentcloudapi.com"
_SERVICE = "ai3d"
_VERSION = "2025-05-13"
_REGION = "ap-guangzhou"
_SUBMIT, _QUERY = "SubmitHunyuanTo3DProJob", "QueryHunyuanTo3DProJob"

_WORDS = {"prompt": "Prompt", "image": "ImageUrl"}
_TEXTURED = {"GenerateType": "Normal", "EnablePBR": True}
MODELS = {version: FieldMap(_WORDS, {"Model": version, **_TEXTURED}) for version in ("3.0", "3.1")}

# Asked for by name; a job always makes a GLB, and a zip with an OBJ, besides.
_NAMED = ("stl", "usdz", "fbx")
_ALWAYS = "glb"

# What an error code's first part means, as the status that it should have come with.
_STATUSES = {
    "AuthFailure": 401,
    "UnauthorizedOperation": 403,
    "InvalidParameter": 400,
    "InvalidParameterValue": 400,
    "MissingParameter": 400,
    "UnknownParameter": 400,
    "OperationDenied": 400,
    "RequestLimitExceeded": 429,
    "LimitExceeded": 429,
    "ResourceInsufficient": 429,
    "ResourceUnavailable": 402,
    "ResourceNotFound": 404,
    "FailedOperation": 500,
    "InternalError": 500,
}
_UNKNOWN_JOB = frozenset({"FailedOperation.JobNotExist", "FailedOperation.JobNotFound"})
_FORBIDDEN = "IllegalDetected"
_INVALID = "InvalidParameter"


def submit(order: MediaOrder, credential: Credential, now_s: float) -> UpstreamRequest:
    """A job that makes the format that was asked for."""
    body = known(MODELS, order.model).input(order)
    if order.output_format in _NAMED:
        body["ResultFormat"] = order.output_format.upper()
    return _call(_SUBMIT, body, credential, now_s)


def accepted(answer: ProviderAnswer) -> str:
    """The job's id."""
    return as_name(_checked_body(answer).get("JobId"))


def poll(handle: str, credential: Credential, now_s: float) -> UpstreamRequest:
    """The job as it stands."""
    return _call(_QUERY, {"JobId": handle}, credential, now_s)


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the job's status."""
    if _status(answer, _error(answer)) == 404:
        return lost()
    task = _checked_body(answer)
    match task.get("Status"):
        case "WAIT" | "RUN":
            return Running()
        case "DONE":
            return Done((_output(as_objects(task.get("ResultFile3Ds"))),))
        case "FAIL":
            return _failed(as_text(task.get("ErrorCode")), task.get("ErrorMessage"))
        case word:
            raise unknown_status(word)


def _call(action: str, body: Mapping[str, Any], credential: Credential, now_s: float) -> UpstreamRequest:
    url = f"{origin(credential, _OWN)}/"
    content = orjson.dumps(body)
    signer = Signer(credential.api_key, setting(credential, "secret_key"), _SERVICE)
    headers = (
        JSON,
        ("x-tc-action", action),
        ("x-tc-version", _VERSION),
        ("x-tc-region", credential.extra.get("region", _REGION)),
        ("x-tc-timestamp", str(int(now_s))),
        ("authorization", signer.authorization(host(url), JSON[1], content, int(now_s))),
    )
    return UpstreamRequest(url, headers, content)


def _checked_body(answer: ProviderAnswer) -> dict[str, Any]:
    error = _error(answer)
    status = _status(answer, error)
    if status >= 400:
        moderated = _FORBIDDEN in as_text(error.get("Code"))
        raise refusal(replace(answer, status=status), error.get("Message"), moderated=moderated)
    return as_object(load(answer.body).get("Response"))


def _error(answer: ProviderAnswer) -> Mapping[str, Any]:
    return members(members(members(reported(answer.body)).get("Response")).get("Error"))


def _status(answer: ProviderAnswer, error: Mapping[str, Any]) -> int:
    """The status that the error's code means: an unknown code is a failure of Tencent's."""
    code = as_text(error.get("Code"))
    if not code:
        return answer.status
    return 404 if code in _UNKNOWN_JOB else _STATUSES.get(code.partition(".")[0], 500)


def _output(files: list[dict[str, Any]]) -> Output:
    urls = {as_text(file.get("Type")).lower(): file.get("Url") for file in files}
    made = next((form for form in (*_NAMED, _ALWAYS) if form in urls), None)
    if made is None:
        raise UpstreamError(UNREADABLE)
    return Output(MIME_TYPES[made], as_name(urls[made]))


def _failed(code: str, words: object) -> Failed:
    if _FORBIDDEN in code:
        return blocked()
    return unfit(words) if code.startswith(_INVALID) else broken()


TENCENT = MediaVendor(
    name="tencent",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    source="https://cloud.tencent.com/document/api/1804/123447",
    verified=True,
)
