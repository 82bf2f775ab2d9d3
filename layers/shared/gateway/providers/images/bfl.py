"""Pictures of Black Forest Labs' own API: a task that is polled at the address that its answer names.

https://docs.bfl.ai/quick_start/generating_images, https://docs.bfl.ai/api_integration/integration_guidelines. No SDK of
the vendor's is published: the shapes are unverified.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.canonical.images import Action, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.errors import GatewayError, UpstreamError
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, load
from gateway.providers.chat.registry import at
from gateway.providers.images.inline import PIXELS, PNG, base64_of
from gateway.providers.images.vendor import Asked, Fields, Painter, Step, Wait, delivered
from gateway.providers.media import outcomes
from gateway.providers.media.calls import bare
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint

_AFTER_S = 0.5
_DOMAIN = "bfl.ai"
# Models that are told a ratio; the others are told pixels.
_KONTEXT = "flux-kontext"
_RUNNING = frozenset({"Pending", "Queued", "Processing"})
_MODERATED = frozenset({"Request Moderated", "Content Moderated"})


def _write(asked: ImageRequest, model: str) -> Fields:
    size, by_ratio = PIXELS.get(asked.size or ""), model.startswith(_KONTEXT)
    return {
        "prompt": asked.prompt,
        "seed": asked.seed,
        "output_format": asked.output_format or PNG,
        "aspect_ratio": asked.size if by_ratio else None,
        "width": size[0] if size is not None and not by_ratio else None,
        "height": size[1] if size is not None and not by_ratio else None,
        ("input_image" if by_ratio else "image_prompt"): base64_of(asked.images[0]) if asked.images else None,
    }


def _read(asked: Asked, answer: ProviderAnswer) -> Step:
    """The picture, or the wait for it."""
    task = load(answer.body)
    if "polling_url" in task and "status" not in task:
        return Wait(bare("GET", _polled(asked, task.get("polling_url")), _headers(asked)), _AFTER_S)
    status = task.get("status")
    if status in _RUNNING:
        return Wait(bare("GET", _again(asked, task), _headers(asked)), _AFTER_S)
    if status == "Ready":
        return delivered([outcomes.as_name(as_object(task.get("result")).get("sample"))])
    if status in _MODERATED:
        return delivered([], refused=True)
    if status in {"Error", "Failed", "Task not found"}:
        raise UpstreamError("The provider failed while making the picture.")
    raise outcomes.unknown_status(status)


def _polled(asked: Asked, url: object) -> str:
    """The address for polling: of the vendor's own domain, or of the operator's base URL. No other is shown the key."""
    address, own = urlsplit(outcomes.as_name(url)), urlsplit(_ENDPOINT.origin(asked.account))
    host = address.hostname or ""
    is_vendors = address.scheme == "https" and (host == _DOMAIN or host.endswith(f".{_DOMAIN}"))
    if not is_vendors and (address.scheme, address.netloc) != (own.scheme, own.netloc):
        raise UpstreamError(UNREADABLE, retryable=False)
    return address.geturl()


def _again(asked: Asked, task: Mapping[str, object]) -> str:
    """The address for the next poll, which a running task names again or leaves to be known by its id."""
    if task.get("polling_url") is not None:
        return _polled(asked, task.get("polling_url"))
    return f"{_ENDPOINT.origin(asked.account)}/v1/get_result?id={outcomes.as_name(task.get('id'))}"


def _headers(asked: Asked) -> Headers:
    return (("x-key", asked.account.api_key), ("accept", "application/json"))


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    detail = members(reported(body)).get("detail")
    words = members(detail[0]).get("msg") if isinstance(detail, list) and detail else detail
    return outcomes.refusal(ProviderAnswer(status, headers, body), words)


def _sign(_: str, outgoing: Outgoing) -> Headers:
    return (("x-key", outgoing.credential.api_key), ("accept", "application/json"))


_ENDPOINT = VendorEndpoint(
    name="bfl", base_url=at("https://api.bfl.ai"), path=lambda outgoing: f"/v1/{outgoing.model}", sign=_sign
)
BFL = Painter(
    name="bfl",
    endpoints=dict.fromkeys((Action.GENERATION, Action.EDIT), _ENDPOINT),
    write=_write,
    read=_read,
    decode_error=_error,
    source="https://docs.bfl.ai/api_integration/integration_guidelines",
)
