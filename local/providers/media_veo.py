"""Simulates Veo on Google's two APIs. The result is in the answer (Vertex AI) or a file of the Developer API.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation,
https://ai.google.dev/gemini-api/docs/video. Keys and errors are those of the same API's chat wire.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from dataclasses import replace

import orjson

from local.providers import gemini, media_wire
from local.providers.gemini import Dialect
from local.providers.gemini_checks import invalid, refusal
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import JSON_TYPE, Call, Reply, Wire, json_reply, route

_MODEL = re.compile(r"veo-3\.[01](-fast|-lite)?-generate-(001|preview)")
_DURATIONS_S = (4, 6, 8)
_SEED_MAX = 2**32 - 1
_VALUES: dict[str, tuple[JsonValue, ...]] = {
    "durationSeconds": _DURATIONS_S,
    "aspectRatio": ("16:9", "9:16"),
    "resolution": ("720p", "1080p"),
    "sampleCount": (1,),
    "personGeneration": ("allow_all", "allow_adult", "dont_allow"),
}
_VERTEX_ONLY = frozenset({"generateAudio", "storageUri", "seed"})
_FREE = frozenset({"negativePrompt"})
_IMAGES = ("image/png", "image/jpeg", "image/webp")
_FILTERED = (
    "Sorry, we can't create videos from input text that violates our usage guidelines. Please remove any such text "
    "from your prompt and try again. Support codes: 58061214"
)
_ERRORS = {
    Failure.INTERNAL: {"code": 13, "message": "Video generation failed due to an internal server issue."},
    Failure.INVALID: {"code": 3, "message": "The input image could not be decoded."},
}
_TYPES = "type.googleapis.com/"


def wire(dialect: Dialect) -> Wire:
    """Builds the wire: predictLongRunning, operations, and on the Developer API the files."""
    models = dialect.models_path
    submit = route("POST", f"{models}/(?P<model>[^/:]+):predictLongRunning", functools.partial(_submit, dialect))
    looks = (
        (route("POST", f"{models}/(?P<model>[^/:]+):fetchPredictOperation", _fetch),)
        if dialect.vertex
        else (
            route("GET", f"{models}/(?P<model>[^/:]+)/operations/(?P<id>[^/:]+)", _get),
            route("GET", "/v1beta/files/(?P<id>[a-z0-9]+):download", _download),
        )
    )
    return replace(gemini.wire(dialect), routes=(submit, *looks), question=_question)


def _question(body: Json) -> str:
    return str(_instance(body).get("prompt") or "")


def _instance(body: Json) -> Json:
    match body.get("instances"):
        case [dict() as instance]:
            return instance
        case _:
            return {}


def _submit(dialect: Dialect, call: Call) -> Reply:
    model = call.params["model"]
    if not _MODEL.fullmatch(model):
        raise refusal(404, f"models/{model} is not found for API version v1beta, or is not supported for predict.")
    if dialect.vertex and "/projects/" not in call.path:
        raise invalid("A project is required.")
    _check_instance(_instance(call.body))
    parameters = _checked_parameters(call.body.get("parameters") or {}, vertex=dialect.vertex)
    handle = call.unique_id("", 16).lower()
    owner = call.path.removeprefix(dialect.prefix).split("/", 2)[2].rpartition(":")[0]
    task = media_wire.open_task(
        call,
        Order(
            vendor=dialect.row,
            handle=handle,
            model=model,
            prompt=_question(call.body),
            form="mp4",
            duration_s=parameters.get("durationSeconds", _DURATIONS_S[-1]),
            details={"name": f"{owner}/operations/{handle}"},
        ),
        refusal,
    )
    return json_reply({"name": task.details["name"]})


def _check_instance(instance: Json) -> None:
    if not instance.get("prompt") and "image" not in instance:
        raise invalid("Text prompt or an image is required.")
    image = instance.get("image")
    if image is None:
        return
    if not isinstance(image, dict) or image.get("mimeType") not in _IMAGES:
        raise invalid("`mimeType` of the image is not supported.")
    try:
        content = base64.b64decode(str(image.get("bytesBase64Encoded") or ""), validate=True)
    except binascii.Error:
        content = b""
    if not content:
        raise invalid("`bytesBase64Encoded` is empty or not base64.")


def _checked_parameters(parameters: Json, *, vertex: bool) -> Json:
    for name, value in parameters.items():
        if name in _VALUES and (isinstance(value, bool) or value not in _VALUES[name]):
            allowed = ", ".join(map(str, _VALUES[name]))
            raise invalid(f"`{name}` is out of bound. Please provide one of {allowed}.")
        if name not in _FREE | _VALUES.keys() | (_VERTEX_ONLY if vertex else frozenset()):
            raise invalid(f"`{name}` isn't supported by this model.")
    seed = parameters.get("seed", 0)
    if type(seed) is not int or not 0 <= seed <= _SEED_MAX:
        raise invalid("`seed` is out of bound.")
    return parameters


def _found(call: Call, vendor: str, handle: str) -> Task:
    task = media_wire.poll_task(call, vendor, handle, refusal)
    if task is None:
        raise refusal(404, "Requested entity was not found.")
    return task


def _get(call: Call) -> Reply:
    task = _found(call, gemini.DEVELOPER.row, call.params["id"])
    uri = f"{media_wire.root(call)}{gemini.DEVELOPER.prefix}/v1beta/files/{task.handle}:download?alt=media"
    result: Json = {"generateVideoResponse": _result(task, "generatedSamples", {"video": {"uri": uri}})}
    kind = "google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    return json_reply(_operation(task, media_wire.state(call, task), result, kind))


def _download(call: Call) -> Reply:
    task = call.memory.tasks.find(gemini.DEVELOPER.row, call.params["id"])
    if task is None or media_wire.state(call, task) is not State.SUCCEEDED:
        raise refusal(403, "You do not have permission to access the File or it may not exist.")
    return media_wire.download(call, task)


def _fetch(call: Call) -> Reply:
    name = str(call.body.get("operationName") or "")
    task = _found(call, gemini.VERTEX.row, name.rpartition("/")[2])
    if name != task.details["name"]:
        raise refusal(404, "Operation not found.")
    state = media_wire.state(call, task)
    done = state is State.SUCCEEDED
    video = {"bytesBase64Encoded": _encoded(task), "mimeType": "video/mp4"} if done else {}
    kind = "cloud.ai.large_models.vision.GenerateVideoResponse"
    body = orjson.dumps(_operation(task, state, _result(task, "videos", video), kind))
    return Reply(200, (JSON_TYPE,), body, task.cut_after() if done else None)


def _encoded(task: Task) -> str:
    file = task.file(task.form)
    return base64.b64encode(b"".join(file.pieces(0, file.size_bytes - 1))).decode()


def _result(task: Task, member: str, video: Json) -> Json:
    if task.failure is Failure.MODERATION:
        return {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [_FILTERED]}
    return {member: [video]}


def _operation(task: Task, state: State, result: Json, kind: str) -> Json:
    """Builds an operation. A filtered video ends it successfully, without a video."""
    operation: Json = {"name": task.details["name"]}
    if not state.ended:
        return operation
    error = _ERRORS.get(task.failure) if task.failure is not None else None
    if error is not None:
        return {**operation, "done": True, "error": error}
    return {**operation, "done": True, "response": {"@type": _TYPES + kind, **result}}
