"""Pictures on fal: a request in the queue of a model's app, whose status and result are asked for.

https://fal.ai/docs/api-reference/inference-api, and for a model's input `https://fal.ai/models/{id}/llms.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.canonical.images import Action, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.errors import GatewayError, UpstreamError
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_objects, load
from gateway.providers.chat.registry import at
from gateway.providers.images.inline import PIXELS, PNG, data_url
from gateway.providers.images.vendor import Asked, Fields, Painter, Step, Wait, delivered, moderated
from gateway.providers.media import outcomes
from gateway.providers.media.calls import bare
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint

_AFTER_S = 0.3
_REQUEST = re.compile(r"https?://[^?#]+?/([\w.-]+/[\w.-]+/requests/[\w-]+)/status")
_FORBIDDEN = "content_policy_violation"
# The endpoint of a model that starts from a picture.
_EDITS = {"fal-ai/flux/dev": "fal-ai/flux/dev/image-to-image"}


def _write(asked: ImageRequest, model: str) -> Fields:
    del model
    size = PIXELS.get(asked.size or "")
    return {
        "prompt": asked.prompt,
        "num_images": asked.n,
        "image_size": None if size is None else {"width": size[0], "height": size[1]},
        "seed": asked.seed,
        "output_format": asked.output_format or PNG,
        "image_url": data_url(asked.images[0]) if asked.images else None,
    }


def _read(asked: Asked, answer: ProviderAnswer) -> Step:
    """The pictures, or the wait for them: a submission and a status have a `status`, and a result has none."""
    if answer.status >= 400:
        raise _error(answer.status, answer.headers, answer.body)
    task = load(answer.body)
    match task.get("status"):
        case "IN_QUEUE" | "IN_PROGRESS":
            return _waiting(asked, task, "/status", _AFTER_S)
        case "COMPLETED":
            return _waiting(asked, task, "", 0.0)
        case None:
            return _result(task)
        case word:
            raise outcomes.unknown_status(word)


def _waiting(asked: Asked, task: Mapping[str, Any], ending: str, after_s: float) -> Wait:
    found = _REQUEST.fullmatch(outcomes.as_name(task.get("status_url")))
    if found is None:
        raise UpstreamError(UNREADABLE)
    address = f"{_GENERATIONS.origin(asked.account)}/{found[1]}"
    key = (("authorization", f"Key {asked.account.api_key}"),)
    return Wait(bare("GET", address + ending, key), after_s, bare("PUT", f"{address}/cancel", key))


def _result(task: Mapping[str, Any]) -> Step:
    """The pictures; one that the checker found unsafe is black, and is not delivered."""
    images = as_objects(task.get("images"))
    unsafe = task.get("has_nsfw_concepts")
    marks = unsafe if isinstance(unsafe, list) else []
    kept = [image for number, image in enumerate(images) if not (number < len(marks) and marks[number] is True)]
    return delivered([outcomes.as_name(image.get("url")) for image in kept], refused=len(kept) < len(images))


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    detail = members(reported(body)).get("detail")
    errors = [members(error) for error in detail] if isinstance(detail, list) else [{"msg": detail}]
    if any(error.get("type") == _FORBIDDEN for error in errors):
        return moderated(errors[0].get("msg"))
    return outcomes.refusal(ProviderAnswer(status, headers, body), errors[0].get("msg") if errors else None)


def _key(_: str, outgoing: Outgoing) -> Headers:
    return (("authorization", f"Key {outgoing.credential.api_key}"),)


def _edit_path(outgoing: Outgoing) -> str:
    return f"/{_EDITS.get(outgoing.model, outgoing.model)}"


_BASE = at("https://queue.fal.run")
_GENERATIONS = VendorEndpoint(name="fal", base_url=_BASE, path=lambda outgoing: f"/{outgoing.model}", sign=_key)
_EDITING = VendorEndpoint(name="fal", base_url=_BASE, path=_edit_path, sign=_key)
FAL = Painter(
    name="fal",
    endpoints={Action.GENERATION: _GENERATIONS, Action.EDIT: _EDITING},
    write=_write,
    read=_read,
    decode_error=_error,
    images_max=4,
    accepted=(200, 201, 202),
    source="https://fal.ai/docs/api-reference/inference-api",
    verified=True,
)
