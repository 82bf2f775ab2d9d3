"""Runway: a task per attempt, from a text or from an image.

https://docs.dev.runwayml.com/api, why a task failed: https://docs.dev.runwayml.com/errors/task-failures/; models and
their values as Runway's SDK declares them (https://github.com/runwayml/sdk-python). The addresses of a task's files are
new at each look. No key against double submission is documented, so that none is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import InvalidRequest, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_array, as_text, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import (
    MIME_TYPES,
    as_name,
    blocked,
    broken,
    lost,
    refusal,
    stopped,
    unfit,
    unknown_status,
)
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.outgoing import Headers

_OWN = "https://api.dev.runwayml.com"
_VERSION = ("x-runway-version", "2024-11-06")
_RATIO = "16:9"
_WIDE_AND_TALL = {"16:9": "1280:720", "9:16": "720:1280"}
_EVERY = {**_WIDE_AND_TALL, "1:1": "960:960", "4:3": "1104:832", "3:4": "832:1104"}
_WORDS = {"prompt": "promptText", "duration": "duration", "image": "promptImage", "seed": "seed"}
_NEGATIVE = {**_WORDS, "negative_prompt": "negativePrompt"}
# The account is out of money, which Runway says with a status that blames the request.
_OURS = re.compile(r"\benough credits\b", re.IGNORECASE)
_UNFIT = ("ASSET.INVALID", "INPUT_PREPROCESSING.")


class _Model(Struct, frozen=True):
    """A model's words, its sizes by ratio from a text and from an image; without any from a text it wants an image."""

    spelling: FieldMap
    from_text: Mapping[str, str]
    from_image: Mapping[str, str]


MODELS = {
    "gen4_turbo": _Model(FieldMap(_WORDS), {}, _EVERY),
    "gen4.5": _Model(FieldMap(_WORDS), _WIDE_AND_TALL, _EVERY),
    "veo3.1": _Model(FieldMap(_NEGATIVE, {"audio": True}), _WIDE_AND_TALL, _WIDE_AND_TALL),
    "veo3.1_fast": _Model(FieldMap(_NEGATIVE, {"audio": True}), _WIDE_AND_TALL, _WIDE_AND_TALL),
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A task; raises `InvalidRequest` for a ratio that the model does not have from a text, or from an image."""
    model = known(MODELS, order.model)
    sizes = model.from_text if order.reference is None else model.from_image
    if not sizes:
        raise InvalidRequest("This model starts from an image.", param="reference_image_url")
    size = sizes.get(order.aspect_ratio or _RATIO)
    if size is None:
        raise InvalidRequest("This model does not make this ratio without an image.", param="aspect_ratio")
    kind = "text_to_video" if order.reference is None else "image_to_video"
    body = {"model": order.model, **model.spelling.input(order), "ratio": size}
    return posted(f"{_base(credential)}/{kind}", body, _signed(credential))


def accepted(answer: ProviderAnswer) -> str:
    """The task's id."""
    return as_name(_checked_body(answer).get("id"))


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The task as it stands."""
    return bare("GET", _address(handle, credential), _signed(credential))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Ends the task, or deletes what it made; afterwards it is not known any more."""
    return bare("DELETE", _address(handle, credential), _signed(credential))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the task's status."""
    if answer.status == 404:
        return lost()
    task = _checked_body(answer)
    match task.get("status"):
        case "PENDING" | "THROTTLED":
            return Running()
        case "RUNNING":
            return Running(_percent(task.get("progress")))
        case "SUCCEEDED":
            urls = [as_name(url) for url in as_array(task.get("output"))]
            if not urls:
                raise UpstreamError(UNREADABLE)
            return Done(tuple(Output(MIME_TYPES["mp4"], url) for url in urls))
        case "FAILED":
            return _failed(as_text(task.get("failureCode")))
        case "CANCELLED":
            return stopped()
        case word:
            raise unknown_status(word)


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/v1"


def _address(handle: str, credential: Credential) -> str:
    return f"{_base(credential)}/tasks/{quote(handle, safe='')}"


def _signed(credential: Credential) -> Headers:
    return (_VERSION, *bearer(credential.api_key))


def _checked_body(answer: ProviderAnswer) -> Mapping[str, Any]:
    if answer.status >= 400:
        words = members(reported(answer.body)).get("error")
        raise refusal(answer, words, ours=isinstance(words, str) and bool(_OURS.search(words)))
    return load(answer.body)


def _percent(part: object) -> int | None:
    return round(100 * part) if isinstance(part, int | float) and 0 <= part <= 1 else None


def _failed(code: str) -> Failed:
    """Converts a failure by its code alone: Runway does not want its texts shown."""
    if "SAFETY" in code.split("."):
        return blocked()
    return unfit(None) if code.startswith(_UNFIT) else broken()


RUNWAY = MediaVendor(
    name="runway",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    source="https://docs.dev.runwayml.com/api",
    verified=True,
)
