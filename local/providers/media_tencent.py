"""Simulates Tencent's Hunyuan 3D, professional edition: one address for every action, refusals with status 200.

Source: https://cloud.tencent.com/document/api/1804/123447 and 123448; error codes as in tencentcloud-sdk-python-ai3d.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local.providers import media_wire, tencent_signature
from local.providers.json_value import Json
from local.providers.media_tasks import Failure, State
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "tencent"
SECRET_ID = "AKIDsimulatedtencent0001"
SECRET_KEY = "simulatedtencentsecretkey0001"

_SERVICE = "ai3d"
_VERSION = "2025-05-13"
_MODELS = ("3.0", "3.1")
_FORMATS = ("STL", "USDZ", "FBX")
_TYPES = ("Normal", "LowPoly", "Geometry", "Sketch")
_PROMPT_MAX = 1024
_STATES = {
    State.QUEUED: "WAIT",
    State.RUNNING: "RUN",
    State.SUCCEEDED: "DONE",
    State.FAILED: "FAIL",
    State.CANCELED: "FAIL",
}
_ERRORS = {
    Failure.MODERATION: ("OperationDenied.ImageIllegalDetected", "The image is illegal."),
    Failure.INTERNAL: ("InternalError", "An internal error has occurred."),
    Failure.INVALID: ("InvalidParameterValue", "The image could not be read."),
}
_CODES = {
    400: "InvalidParameterValue",
    401: "AuthFailure",
    404: "ResourceNotFound",
    429: "RequestLimitExceeded",
    500: "InternalError",
}


def wire() -> Wire:
    """Builds the wire: the two actions of a job."""
    return Wire(
        row=VENDOR,
        prefix="",
        routes=(route("POST", "/", _act),),
        authorize=_authorize,
        question=lambda body: str(body.get("Prompt") or ""),
        model=lambda call: str(call.body.get("Model", "")),
        refusal=refusal,
        stamped=lambda call, body: {"Response": {**body["Response"], "RequestId": _request_id(call)}},
    )


def refusal(status: int, message: str, code: str | None) -> Refusal:
    """Builds an error code inside an answer with status 200."""
    error = {"Code": code or _CODES.get(status, "FailedOperation"), "Message": message}
    return Refusal(200, {"Response": {"Error": error}})


def _request_id(call: Call) -> str:
    return call.unique_id("", 36)


def _authorize(call: Call) -> None:
    try:
        tencent_signature.verify(call.headers, call.raw, SECRET_ID, SECRET_KEY, _SERVICE, call.now_s)
    except tencent_signature.Unsigned as unsigned:
        raise refusal(401, unsigned.message, unsigned.code) from unsigned


def _act(call: Call) -> Reply:
    action = call.headers.get("x-tc-action", "")
    if call.headers.get("x-tc-version") != _VERSION or action not in _ACTIONS:
        raise refusal(400, f"The action {action} does not exist.", "InvalidAction")
    if not call.headers.get("x-tc-region"):
        raise refusal(400, "The region is missing.", "MissingParameter")
    return json_reply({"Response": {**_ACTIONS[action](call), "RequestId": _request_id(call)}})


def _submit(call: Call) -> Json:
    body = call.body
    _check(body)
    form = str(body.get("ResultFormat", "GLB")).lower()
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=str(1_357_000_000_000_000_000 + call.now_s % 1_000_000 * 1_000_000_000 + call.serial),
            model=str(body.get("Model", "3.0")),
            prompt=str(body.get("Prompt") or ""),
            form=form,
            also=("obj", "glb"),
            image_url=body.get("ImageUrl"),
        ),
        refusal,
    )
    return {"JobId": task.handle}


def _check(body: Json) -> None:
    wrong = {
        "Model": body.get("Model", "3.0") not in _MODELS,
        "Prompt": bool(body.get("Prompt")) == bool(body.get("ImageUrl"))
        or len(str(body.get("Prompt") or "")) > _PROMPT_MAX,
        "ImageUrl": "ImageUrl" in body and not media_wire.is_address(body["ImageUrl"]),
        "ResultFormat": "ResultFormat" in body and body["ResultFormat"] not in _FORMATS,
        "GenerateType": body.get("GenerateType", "Normal") not in _TYPES,
    }
    for name in (name for name, found in wrong.items() if found):
        raise refusal(400, f"The value of {name} is invalid.", f"InvalidParameterValue.{name}")


def _query(call: Call) -> Json:
    handle = str(call.body.get("JobId", ""))
    task = media_wire.poll_task(call, VENDOR, handle, refusal)
    if task is None:
        raise refusal(404, "The job does not exist.", None)
    state, at = media_wire.state(call, task), media_wire.root(call)
    code, message = _ERRORS[task.failure] if task.failure and state is State.FAILED else ("", "")
    forms = (task.form, *(form for form in task.also if form != task.form)) if state is State.SUCCEEDED else ()
    return {
        "Status": _STATES[state],
        "ErrorCode": code,
        "ErrorMessage": message,
        "ResultFile3Ds": [
            {"Type": form.upper(), "Url": media_wire.file_url(at, task, form), "PreviewImageUrl": ""} for form in forms
        ],
    }


_ACTIONS: Mapping[str, Callable[[Call], Json]] = {
    "SubmitHunyuanTo3DProJob": _submit,
    "QueryHunyuanTo3DProJob": _query,
}
