"""Luma's Dream Machine: a generation per attempt, which an image may begin.

https://docs.lumalabs.ai/reference/creategeneration, the fields as Luma's SDK declares them
(https://github.com/lumalabs/lumaai-python). Its callbacks carry no signature, so that they are not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import as_object, as_text, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import MIME_TYPES, as_name, blocked, broken, lost, refusal, unfit, unknown_status
from gateway.providers.media.vendor import MediaVendor

_OWN = "https://api.lumalabs.ai/dream-machine/v1"
_WORDS = {"prompt": "prompt", "duration": "duration"}
# Luma has words for why a generation failed, and no codes.
_FORBIDDEN = re.compile(r"moderat|not allowed|content policy", re.IGNORECASE)
_BLAMES_THE_ORDER = re.compile(r"4\d\d\b")
_OURS = re.compile(r"\binsufficient credits\b", re.IGNORECASE)


def _seconds(count: int) -> str:
    return f"{count}s"


MODELS = {name: FieldMap(_WORDS, {"model": name, "resolution": "720p"}, _seconds) for name in ("ray-2", "ray-flash-2")}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A generation, of a ratio of its own choice or of the one asked for, with an image too."""
    body: dict[str, Any] = known(MODELS, order.model).input(order)
    if order.aspect_ratio is not None:
        body["aspect_ratio"] = order.aspect_ratio
    if order.reference is not None:
        body["keyframes"] = {"frame0": {"type": "image", "url": order.reference.url}}
    return posted(f"{_base(credential)}/video", body, bearer(credential.api_key))


def accepted(answer: ProviderAnswer) -> str:
    """The generation's id."""
    return as_name(_checked_body(answer).get("id"))


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The generation as it stands."""
    return bare("GET", _address(handle, credential), bearer(credential.api_key))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Deletes the generation."""
    return bare("DELETE", _address(handle, credential), bearer(credential.api_key))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the generation's state."""
    if answer.status == 404:
        return lost()
    task = _checked_body(answer)
    match task.get("state"):
        case "queued" | "dreaming":
            return Running()
        case "completed":
            return Done((Output(MIME_TYPES["mp4"], as_name(as_object(task.get("assets")).get("video"))),))
        case "failed":
            return _failed(as_text(task.get("failure_reason")))
        case word:
            raise unknown_status(word)


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/generations"


def _address(handle: str, credential: Credential) -> str:
    return f"{_base(credential)}/{quote(handle, safe='')}"


def _checked_body(answer: ProviderAnswer) -> Mapping[str, Any]:
    if answer.status < 400:
        return load(answer.body)
    words = _words(members(reported(answer.body)).get("detail"))
    raise refusal(answer, words, moderated=bool(_FORBIDDEN.search(words)), ours=bool(_OURS.search(words)))


def _words(detail: object) -> str:
    """`detail` is a text, or what a validator of fields makes of it."""
    match detail:
        case str() as words:
            return words
        case [{"msg": str() as words}, *_]:
            return words
        case _:
            return ""


def _failed(reason: str) -> Failed:
    if _FORBIDDEN.search(reason):
        return blocked(reason)
    return unfit(reason) if _BLAMES_THE_ORDER.match(reason) else broken()


LUMA = MediaVendor(
    name="luma",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    source="https://docs.lumalabs.ai/reference/creategeneration",
    verified=True,
)
