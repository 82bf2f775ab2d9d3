"""Pictures on Replicate: a prediction that is asked for until it has ended.

https://replicate.com/docs/reference/http#models.predictions.create, and for the models' inputs
`https://replicate.com/{owner}/{name}/api/schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from gateway.canonical.images import Action, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.errors import GatewayError, UpstreamError
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import load
from gateway.providers.chat.registry import at
from gateway.providers.images.inline import PNG, data_url
from gateway.providers.images.vendor import Asked, Fields, Painter, Step, Wait, delivered, moderated
from gateway.providers.media import outcomes
from gateway.providers.media.calls import bare, bearer
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.outgoing import bearer as signed
from gateway.providers.vendor_endpoint import VendorEndpoint

_AFTER_S = 0.5
# What a model says that found the input or its own output sensitive.
_SENSITIVE = ("(E005)", "NSFW", "flagged as sensitive", "safety")


class _Model(Struct, frozen=True):
    """One model's words for the parts of a request, and what goes with every request."""

    words: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)


_FLUX = {"prompt": "prompt", "size": "aspect_ratio", "seed": "seed", "output_format": "output_format"}
_JPG = {"jpeg": "jpg"}
MODELS = {
    "black-forest-labs/flux-schnell": _Model({**_FLUX, "n": "num_outputs"}),
    "black-forest-labs/flux-1.1-pro": _Model({**_FLUX, "image": "image_prompt"}),
    "black-forest-labs/flux-kontext-pro": _Model({**_FLUX, "image": "input_image"}),
    "stability-ai/stable-diffusion-3.5-large": _Model({**_FLUX, "negative_prompt": "negative_prompt"}),
    "qwen/qwen-image": _Model({**_FLUX, "negative_prompt": "negative_prompt"}),
}


def _write(asked: ImageRequest, model: str) -> Fields:
    words = MODELS[model].words
    parts = {
        "prompt": asked.prompt,
        "size": asked.size,
        "seed": asked.seed,
        "n": asked.n,
        "negative_prompt": asked.negative_prompt,
        "output_format": _JPG.get(asked.output_format or "", asked.output_format or PNG),
        "image": data_url(asked.images[0]) if asked.images else None,
    }
    said = {word: parts[name] for name, word in words.items() if parts[name] is not None}
    return {"input": {**MODELS[model].fixed, **said}}


def _read(asked: Asked, answer: ProviderAnswer) -> Step:
    """The prediction's pictures, or the wait for them."""
    task = load(answer.body)
    match task.get("status"):
        case "starting" | "processing":
            return _waiting(asked, task)
        case "succeeded":
            output = task.get("output")
            return delivered([str(url) for url in (output if isinstance(output, list) else [output]) if url])
        case "failed":
            error = task.get("error")
            if isinstance(error, str) and any(word in error for word in _SENSITIVE):
                raise moderated()
            raise UpstreamError("The provider failed while making the picture.")
        case "canceled" | "aborted":
            raise UpstreamError("The picture was given up at the provider.")
        case word:
            raise outcomes.unknown_status(word)


def _waiting(asked: Asked, task: Mapping[str, Any]) -> Wait:
    address = f"{_ENDPOINT.origin(asked.account)}/v1/predictions/{outcomes.as_name(task.get('id'))}"
    key = bearer(asked.account.api_key)
    return Wait(bare("GET", address, key), _AFTER_S, bare("POST", f"{address}/cancel", key))


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    return outcomes.refusal(ProviderAnswer(status, headers, body), members(reported(body)).get("detail"))


def _sign(url: str, outgoing: Outgoing) -> Headers:
    """The key; the answer waits for the prediction to end, for as long as Replicate lets it."""
    return (*signed(url, outgoing), ("prefer", "wait=60"))


def _path(outgoing: Outgoing) -> str:
    return f"/v1/models/{outgoing.model}/predictions"


_ENDPOINT = VendorEndpoint(name="replicate", base_url=at("https://api.replicate.com"), path=_path, sign=_sign)


def of(model: str) -> Painter:
    """The row, with as many pictures in a request as the model makes at once."""
    return Painter(
        name="replicate",
        endpoints=dict.fromkeys((Action.GENERATION, Action.EDIT), _ENDPOINT),
        write=_write,
        read=_read,
        decode_error=_error,
        images_max=4 if "n" in MODELS[model].words else 1,
        accepted=(200, 201, 202),
        source="https://replicate.com/docs/reference/http",
        verified=True,
    )
