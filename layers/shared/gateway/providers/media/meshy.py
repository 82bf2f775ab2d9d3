"""Meshy: a mesh from a text, or a textured model from an image.

https://docs.meshy.ai/en/api/text-to-3d, https://docs.meshy.ai/en/api/image-to-3d, and the vendor's own
https://github.com/meshy-dev/meshy-mcp-server. A text becomes a preview, which has a shape and no texture: to texture it
is a task of its own that has to be submitted, and looking at a task must not submit one. A handle is a path; since the
answer to a submission does not say of which kind the task is, it is looked for among those from text first.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from gateway.canonical.media import Done, MediaOrder, Moved, Output, ProviderAnswer, Running, TaskState
from gateway.errors import InvalidRequest, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import MIME_TYPES, as_name, broken, lost, refusal, stopped, unknown_status
from gateway.providers.media.vendor import MediaVendor

_OWN = "https://api.meshy.ai"
_FROM_TEXT, _FROM_IMAGE = "v2/text-to-3d", "v1/image-to-3d"
_FORMAT = "glb"
# In the order of preference, should a task have made more than was asked for.
FORMATS = ("stl", "usdz", "fbx", "obj", "glb")
IMAGE_TYPES = frozenset({"image/png", "image/jpeg"})

MODELS = {
    "meshy-6": FieldMap({"prompt": "prompt", "image": "image_url"}, {"ai_model": "meshy-6"}),
    "meshy-5": FieldMap({"prompt": "prompt", "image": "image_url"}, {"ai_model": "meshy-5"}),
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A task that makes one file; raises `InvalidRequest` for an image that Meshy does not read."""
    if order.reference is not None and order.reference.mime_type not in IMAGE_TYPES:
        raise InvalidRequest("This model reads PNG and JPEG images.", param="reference_image_url")
    kind, extra = (_FROM_TEXT, {"mode": "preview"}) if order.reference is None else (_FROM_IMAGE, {"enable_pbr": True})
    body = {**known(MODELS, order.model).input(order), **extra, "target_formats": [order.output_format or _FORMAT]}
    return posted(f"{_base(credential)}/{kind}", body, bearer(credential.api_key))


def accepted(answer: ProviderAnswer) -> str:
    """Returns the path that the task would have if it started from a text."""
    return f"{_FROM_TEXT}/{as_name(_checked_body(answer).get('result'))}"


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The task as it stands."""
    return bare("GET", f"{_base(credential)}/{quote(handle)}", bearer(credential.api_key))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Deletes the task, if it is from a text; one from an image has another address, and goes on."""
    return bare("DELETE", f"{_base(credential)}/{quote(handle)}", bearer(credential.api_key))


def state(handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the task's status; a task that is not among those from text is looked up among those from an image."""
    if answer.status == 404:
        kind, _, name = handle.rpartition("/")
        return Moved(f"{_FROM_IMAGE}/{name}") if kind == _FROM_TEXT else lost()
    task = _checked_body(answer)
    match task.get("status"):
        case "PENDING":
            return Running()
        case "IN_PROGRESS":
            progress = task.get("progress")
            return Running(progress if type(progress) is int else None)
        case "SUCCEEDED":
            return Done((_output(as_object(task.get("model_urls"))),))
        case "FAILED":
            return broken()
        case "CANCELED":
            return stopped()
        case "EXPIRED":
            return lost()
        case word:
            raise unknown_status(word)


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/openapi"


def _checked_body(answer: ProviderAnswer) -> dict[str, Any]:
    if answer.status >= 400:
        raise refusal(answer, members(reported(answer.body)).get("message"))
    return load(answer.body)


def _output(urls: dict[str, Any]) -> Output:
    made = next((form for form in FORMATS if urls.get(form)), None)
    if made is None:
        raise UpstreamError(UNREADABLE)
    return Output(MIME_TYPES[made], as_name(urls[made]))


MESHY = MediaVendor(
    name="meshy",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    source="https://docs.meshy.ai/en/api/text-to-3d",
)
