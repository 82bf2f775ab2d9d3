"""Qwen-Image and Wan on Alibaba Cloud's Model Studio (DashScope).

Qwen-Image answers at once: https://www.alibabacloud.com/help/en/model-studio/qwen-image-api. Wan takes a task:
https://www.alibabacloud.com/help/en/model-studio/text-to-image-v2-api-reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.images import Action, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.errors import GatewayError, UpstreamError
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import as_object, as_objects, load
from gateway.providers.chat.registry import at
from gateway.providers.images.inline import data_url
from gateway.providers.images.vendor import Asked, Fields, Painter, Step, Wait, delivered, moderated
from gateway.providers.media import outcomes
from gateway.providers.media.calls import bare, bearer
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.outgoing import bearer as signed
from gateway.providers.vendor_endpoint import VendorEndpoint

_AFTER_S = 0.5
_WAN = "wan"
_EDITS = {"qwen-image-plus": "qwen-image-edit-plus", "qwen-image": "qwen-image-edit"}
_FORBIDDEN = frozenset({"DataInspectionFailed", "IPInfringementSuspect", "FaqRuleBlocked"})
_ARREARS = frozenset({"Arrearage"})


def _parameters(asked: ImageRequest) -> dict[str, Any]:
    given = {
        "size": None if asked.size is None else asked.size.replace("x", "*"),
        "n": asked.n,
        "negative_prompt": asked.negative_prompt,
        "seed": asked.seed,
        "watermark": False,
    }
    return {name: value for name, value in given.items() if value is not None}


def _write_qwen(asked: ImageRequest, model: str) -> Fields:
    content = [*({"image": data_url(given)} for given in asked.images), {"text": asked.prompt}]
    name = _EDITS.get(model, model) if asked.images else model
    parameters = _parameters(asked)
    if asked.images:
        # An edited picture keeps its ratio.
        parameters.pop("size", None)
    return {"model": name, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": parameters}


def _write_wan(asked: ImageRequest, model: str) -> Fields:
    parameters = _parameters(asked)
    negative = parameters.pop("negative_prompt", None)
    told = {"prompt": asked.prompt} | ({} if negative is None else {"negative_prompt": negative})
    return {"model": model, "input": told, "parameters": parameters}


def _read_qwen(_: Asked, answer: ProviderAnswer) -> Step:
    """The pictures of the answer's message."""
    output = as_object(load(answer.body).get("output"))
    parts = [
        part
        for choice in as_objects(output.get("choices"))
        for part in as_objects(as_object(choice.get("message")).get("content"))
    ]
    return delivered([outcomes.as_name(part["image"]) for part in parts if part.get("image")])


def _read_wan(asked: Asked, answer: ProviderAnswer) -> Step:
    """The task's pictures, or the wait for them; of several some may have failed."""
    output = as_object(load(answer.body).get("output"))
    match output.get("task_status"):
        case "PENDING" | "RUNNING":
            address = f"{_WAN_ENDPOINT.origin(asked.account)}/tasks/{outcomes.as_name(output.get('task_id'))}"
            key = bearer(asked.account.api_key)
            return Wait(bare("GET", address, key), _AFTER_S, bare("POST", f"{address}/cancel", key))
        case "SUCCEEDED":
            results = as_objects(output.get("results"))
            urls = [outcomes.as_name(result["url"]) for result in results if result.get("url")]
            return delivered(urls, refused=any(result.get("code") in _FORBIDDEN for result in results))
        case "FAILED" if output.get("code") in _FORBIDDEN:
            raise moderated(output.get("message"))
        case "FAILED" | "UNKNOWN" | "CANCELED":
            raise UpstreamError("The provider failed while making the picture.")
        case word:
            raise outcomes.unknown_status(word)


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    fields = members(reported(body))
    if fields.get("code") in _FORBIDDEN:
        return moderated(fields.get("message"))
    answer = ProviderAnswer(status, headers, body)
    return outcomes.refusal(answer, fields.get("message"), ours=fields.get("code") in _ARREARS)


def _asynchronously(url: str, outgoing: Outgoing) -> Headers:
    return (*signed(url, outgoing), ("x-dashscope-async", "enable"))


_BASE = at("https://dashscope-intl.aliyuncs.com/api/v1")
_QWEN_ENDPOINT = VendorEndpoint(
    name="dashscope", base_url=_BASE, path=lambda _: "/services/aigc/multimodal-generation/generation"
)
_WAN_ENDPOINT = VendorEndpoint(
    name="dashscope", base_url=_BASE, path=lambda _: "/services/aigc/text2image/image-synthesis", sign=_asynchronously
)
_SOURCE = "https://www.alibabacloud.com/help/en/model-studio/qwen-image-api"


def of(model: str) -> Painter:
    """The row of Wan or of Qwen-Image, by the model."""
    is_wan = model.startswith(_WAN)
    endpoint = _WAN_ENDPOINT if is_wan else _QWEN_ENDPOINT
    actions = (Action.GENERATION,) if is_wan else (Action.GENERATION, Action.EDIT)
    return Painter(
        name="dashscope",
        endpoints=dict.fromkeys(actions, endpoint),
        write=_write_wan if is_wan else _write_qwen,
        read=_read_wan if is_wan else _read_qwen,
        decode_error=_error,
        images_max=4 if is_wan else 1,
        source=_SOURCE,
        verified=True,
    )
