"""Replicate: a prediction per attempt, of an official model by its name or of any other by its version.

https://replicate.com/docs/reference/http, https://replicate.com/docs/topics/predictions/lifecycle, and for the models'
inputs `https://replicate.com/{owner}/{name}/api/schema`. Webhooks are signed with the account's secret, the
setting `webhook_secret` of its callbacks: https://replicate.com/docs/topics/webhooks/verify-webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, load
from gateway.providers.auth import standard_webhooks
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import as_name, blocked, broken, lost, mime_type, refusal, stopped, unknown_status
from gateway.providers.media.vendor import Callback, MediaVendor
from gateway.providers.outgoing import setting

_OWN = "https://api.replicate.com"
_SETTING = "webhook_secret"
# What a model says that found the input or its own output sensitive.
_SENSITIVE = "(E005)"

MODELS = {
    "minimax/hailuo-02": FieldMap(
        {"prompt": "prompt", "duration": "duration", "image": "first_frame_image"}, {"resolution": "768p"}
    ),
    "bytedance/seedance-1-pro": FieldMap(
        {
            "prompt": "prompt",
            "duration": "duration",
            "aspect_ratio": "aspect_ratio",
            "image": "image",
            "seed": "seed",
        },
        {"resolution": "720p"},
    ),
    "tencent/hunyuan-3d-3.1": FieldMap({"prompt": "prompt", "image": "image"}, {"generate_type": "Normal"}),
    "tencent/hunyuan3d-2:b1b9449a1277e10402781c5d41eb30c0a0683504fb23fab591ca9dfc2aabe1cb": FieldMap(
        {"image": "image", "seed": "seed"}, {"remove_background": True}
    ),
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A prediction, with a call back on its end where the order has an address for it."""
    body: dict[str, Any] = {"input": known(MODELS, order.model).input(order)}
    if order.callback_url is not None:
        body |= {"webhook": order.callback_url, "webhook_events_filter": ["completed"]}
    name, _, version = order.model.partition(":")
    if version:
        return posted(f"{_base(credential)}/predictions", {"version": version, **body}, bearer(credential.api_key))
    return posted(f"{_base(credential)}/models/{name}/predictions", body, bearer(credential.api_key))


def accepted(answer: ProviderAnswer) -> str:
    """The prediction's id."""
    return as_name(_checked_body(answer).get("id"))


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The prediction as it stands."""
    return bare("GET", _address(handle, credential), bearer(credential.api_key))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Ends the prediction."""
    return bare("POST", f"{_address(handle, credential)}/cancel", bearer(credential.api_key))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the prediction's status; its output is an address, addresses, or addresses by name."""
    if answer.status == 404:
        return lost()
    task = _checked_body(answer)
    match task.get("status"):
        case "starting" | "processing":
            return Running()
        case "succeeded":
            return Done(tuple(Output(mime_type(url), url) for url in _addresses(task.get("output"))))
        case "failed":
            return _failed(task.get("error"))
        case "canceled" | "aborted":
            return stopped()
        case word:
            raise unknown_status(word)


def verify(headers: Mapping[str, str], body: bytes, settings: Credential, _keys: bytes, now_s: float) -> None:
    """Replicate signs by Standard Webhooks."""
    try:
        standard_webhooks.verify(setting(settings, _SETTING), headers, body, now_s)
    except ValueError as unreadable:
        raise UpstreamError("The provider's webhook secret cannot be read.", retryable=False) from unreadable


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/v1"


def _address(handle: str, credential: Credential) -> str:
    return f"{_base(credential)}/predictions/{quote(handle, safe='')}"


def _checked_body(answer: ProviderAnswer) -> dict[str, Any]:
    if answer.status >= 400:
        raise refusal(answer, members(reported(answer.body)).get("detail"))
    return load(answer.body)


def _failed(error: object) -> Failed:
    return blocked() if isinstance(error, str) and _SENSITIVE in error else broken()


def _addresses(output: object) -> list[str]:
    match output:
        case str():
            return [output]
        case list():
            found = output
        case dict():
            found = [address for address in output.values() if address is not None]
        case _:
            found = []
    if not found or not all(isinstance(address, str) for address in found):
        raise UpstreamError(UNREADABLE)
    return found


REPLICATE = MediaVendor(
    name="replicate",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    callback=Callback(needs=_SETTING, verify=verify),
    source="https://replicate.com/docs/reference/http",
    verified=True,
)
