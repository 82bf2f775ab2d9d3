"""fal: a request in the queue of a model's app, whose status and whose result are at two addresses.

https://fal.ai/docs/api-reference/inference-api, https://fal.ai/docs/documentation/model-apis/errors, and for a model's
input `https://fal.ai/models/{id}/llms.txt`. Webhooks are signed with Ed25519 and the keys are public:
https://fal.ai/docs/documentation/model-apis/inference/webhooks. The same keys sign for every account of fal, so that
the signed user must be the setting `user_id` of its callbacks. A handle is the path that is to be asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from gateway.canonical.media import Done, MediaOrder, Moved, Output, ProviderAnswer, Running, TaskState
from gateway.errors import AuthenticationFailed, GatewayError, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import INVALID, members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, as_objects, as_text, load
from gateway.providers.auth.key_pairs import is_signed_ed25519
from gateway.providers.auth.standard_webhooks import NOT_SIGNED, TOLERANCE_S
from gateway.providers.media.calls import bare, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import (
    UNTYPED,
    as_name,
    blocked,
    broken,
    lost,
    mime_type,
    refusal,
    unfit,
    unknown_status,
)
from gateway.providers.media.vendor import Callback, MediaVendor
from gateway.providers.outgoing import Headers, setting

_OWN = "https://queue.fal.run"
_JWKS = "https://rest.fal.ai/.well-known/jwks.json"
_SETTING = "user_id"
# In the answer to a submission: the app's owner and name, without the endpoint's path, and the request.
_STATUS_URL = re.compile(r"https?://[^?#]+?/([\w.-]+/[\w.-]+/requests/[\w-]+/status)")
_STATUS = "/status"

# Failures of fal's own, of a request as of a model: another attempt may do better.
_TRANSIENT = frozenset(
    {
        "internal_server_error",
        "generation_timeout",
        "downstream_service_error",
        "downstream_service_unavailable",
        "internal_error",
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_disconnected",
        "runner_incomplete_response",
        "runner_server_error",
    }
)
_FORBIDDEN = "content_policy_violation"
# Where a model puts the file that it made.
_FILES = ("video", "model_glb", "model_mesh")


class _Model(Struct, frozen=True):
    """The words of an endpoint, which its sibling that starts from an image shares."""

    from_image: str
    spelling: FieldMap


_LTX = {"resolution": "1080p", "fps": 25, "generate_audio": True}
_TEXTURED = {"generate_type": "Normal", "enable_pbr": True}

MODELS = {
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video": _Model(
        "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        FieldMap(
            {
                "prompt": "prompt",
                "duration": "duration",
                "aspect_ratio": "aspect_ratio",
                "image": "image_url",
                "negative_prompt": "negative_prompt",
            },
            seconds=str,
        ),
    ),
    "fal-ai/ltx-2/text-to-video": _Model(
        "fal-ai/ltx-2/image-to-video",
        FieldMap({"prompt": "prompt", "duration": "duration", "image": "image_url"}, _LTX),
    ),
    "fal-ai/ltx-2/text-to-video/fast": _Model(
        "fal-ai/ltx-2/image-to-video/fast",
        FieldMap({"prompt": "prompt", "duration": "duration", "image": "image_url"}, _LTX),
    ),
    "fal-ai/minimax/hailuo-02/standard/text-to-video": _Model(
        "fal-ai/minimax/hailuo-02/standard/image-to-video",
        FieldMap({"prompt": "prompt", "duration": "duration", "image": "image_url"}, seconds=str),
    ),
    "fal-ai/hunyuan3d-v3/text-to-3d": _Model(
        "fal-ai/hunyuan3d-v3/image-to-3d", FieldMap({"prompt": "prompt", "image": "input_image_url"}, _TEXTURED)
    ),
    "fal-ai/hunyuan-3d/v3.1/pro/text-to-3d": _Model(
        "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d",
        FieldMap({"prompt": "prompt", "image": "input_image_url"}, _TEXTURED),
    ),
    "fal-ai/hunyuan3d/v2": _Model(
        "fal-ai/hunyuan3d/v2",
        FieldMap({"image": "input_image_url", "seed": "seed"}, {"textured_mesh": True}),
    ),
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A request in the queue, with a call back on its end where the order has an address for it."""
    model = known(MODELS, order.model)
    endpoint = order.model if order.reference is None else model.from_image
    query = "" if order.callback_url is None else "?" + urlencode({"fal_webhook": order.callback_url})
    return posted(f"{origin(credential, _OWN)}/{endpoint}{query}", model.spelling.input(order), _key(credential))


def accepted(answer: ProviderAnswer) -> str:
    """Returns the path of the request's status, without its host."""
    if answer.status >= 400:
        raise _refusal(answer)
    found = _STATUS_URL.fullmatch(as_name(load(answer.body).get("status_url")))
    if found is None:
        raise UpstreamError(UNREADABLE)
    return found[1]


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The status, or the result."""
    return bare("GET", f"{origin(credential, _OWN)}/{handle}", _key(credential))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Takes the request out of the queue, or asks its runner to stop."""
    return bare("PUT", f"{origin(credential, _OWN)}/{handle.removesuffix(_STATUS)}/cancel", _key(credential))


def state(handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the state from the status, which does not give the kind of a result, or from the result."""
    if answer.status == 404:
        return lost()
    return _status(handle, answer) if handle.endswith(_STATUS) else _result(answer)


def verify(headers: Mapping[str, str], body: bytes, settings: Credential, keys: bytes, now_s: float) -> None:
    """Ed25519 over the lines of request, user, time and the body's hash, by any of the published keys."""
    claim(headers, settings, now_s)
    request, user, timestamp, given = (
        _said(headers, name) for name in ("request-id", "user-id", "timestamp", "signature")
    )
    message = "\n".join((request, user, timestamp, hashlib.sha256(body).hexdigest())).encode()
    if not any(is_signed_ed25519(key, message, _bytes(given)) for key in _public_keys(keys)):
        raise AuthenticationFailed(NOT_SIGNED)


def claim(headers: Mapping[str, str], settings: Credential, now_s: float) -> None:
    """The delivery's user must be the account's own, and its time must be now."""
    timestamp = _said(headers, "timestamp")
    if not timestamp.isascii() or not timestamp.isdecimal() or abs(now_s - float(timestamp)) > TOLERANCE_S:
        raise AuthenticationFailed(NOT_SIGNED)
    if not hmac.compare_digest(_said(headers, "user-id").encode(), setting(settings, _SETTING).encode()):
        raise AuthenticationFailed(NOT_SIGNED)


def _said(headers: Mapping[str, str], name: str) -> str:
    return headers.get(f"x-fal-webhook-{name}", "")


def public_keys(settings: Credential) -> UpstreamRequest:
    """Builds the request for the keys with which fal signs."""
    return bare("GET", settings.extra.get("jwks_url", _JWKS), ())


def _key(credential: Credential) -> Headers:
    return (("authorization", f"Key {credential.api_key}"),)


def _status(handle: str, answer: ProviderAnswer) -> TaskState:
    if answer.status >= 400:
        raise _refusal(answer)
    task = load(answer.body)
    match task.get("status"):
        case "IN_QUEUE" | "IN_PROGRESS":
            return Running()
        case "COMPLETED" if task.get("error_type") in _TRANSIENT:
            return broken()
        case "COMPLETED":
            return Moved(handle.removesuffix(_STATUS))
        case word:
            raise unknown_status(word)


def _result(answer: ProviderAnswer) -> TaskState:
    """A failed request's result is its error, with the status that the model answered."""
    if answer.status < 400:
        task = load(answer.body)
        return Done((_output(next((task[name] for name in _FILES if task.get(name)), None)),))
    errors = _errors(answer)
    kinds = {error.get("type") for error in errors}
    if _FORBIDDEN in kinds:
        return blocked(errors[0].get("msg"))
    if kinds & _TRANSIENT or "x-fal-error-type" in answer.headers:
        return broken()
    if answer.status in INVALID:
        return unfit(errors[0].get("msg") if errors else None)
    raise _refusal(answer)


def _output(file: object) -> Output:
    described = as_object(file)
    url = as_name(described.get("url"))
    kind = mime_type(url)
    duration_s = described.get("duration")
    return Output(
        mime_type=as_name(described.get("content_type")) if kind == UNTYPED else kind,
        url=url,
        duration_ms=round(duration_s * 1000) if isinstance(duration_s, int | float) else None,
        width=_pixels(described.get("width")),
        height=_pixels(described.get("height")),
    )


def _pixels(value: object) -> int | None:
    return value if type(value) is int else None


def _errors(answer: ProviderAnswer) -> Sequence[Mapping[str, Any]]:
    """The error objects of `detail`, which some apps still write as a text."""
    match members(reported(answer.body)).get("detail"):
        case list() as errors:
            return [members(error) for error in errors]
        case str() as words:
            return [{"msg": words}]
        case _:
            return []


def _refusal(answer: ProviderAnswer) -> GatewayError:
    errors = _errors(answer)
    words = errors[0].get("msg") if errors else None
    return refusal(answer, words, moderated=any(error.get("type") == _FORBIDDEN for error in errors))


def _bytes(signature: str) -> bytes:
    try:
        return bytes.fromhex(signature)
    except ValueError:
        raise AuthenticationFailed(NOT_SIGNED) from None


def _public_keys(keys: bytes) -> list[bytes]:
    """The keys of a JSON Web Key Set (RFC 8037): `x` is the key itself."""
    found = []
    for key in as_objects(load(keys).get("keys")):
        text = as_text(key.get("x"))
        try:
            found.append(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except binascii.Error:
            raise UpstreamError(UNREADABLE) from None
    return found


FAL = MediaVendor(
    name="fal",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    callback=Callback(needs=_SETTING, verify=verify, keys=public_keys, claim=claim),
    source="https://fal.ai/docs/api-reference/inference-api",
    verified=True,
)
