"""Simulates Stability's pictures and xAI's: https://platform.stability.ai/docs/api-reference#tag/Generate,
https://docs.x.ai/docs/guides/image-generations. Neither vendor publishes an SDK of these wires: unverified.
"""

from __future__ import annotations

import base64
import hmac

from local.providers import drawing, media_xai, openai_shapes
from local.providers.faults import without_directives
from local.providers.json_value import Json
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

STABILITY_PREFIX, STABILITY_KEY = "/stability", "sim-stability-key-0001"
_RATIOS = {"1:1": (1024, 1024), "16:9": (1344, 768), "9:16": (768, 1344), "3:2": (1216, 832), "2:3": (832, 1216)}
_XAI_RATIOS = {"1:1": (1024, 1024), "16:9": (1280, 720), "9:16": (720, 1280), "4:3": (1152, 864), "3:4": (864, 1152)}
_MEMBERS = {"prompt", "negative_prompt", "aspect_ratio", "seed", "output_format", "model", "mode", "strength", "image"}
_XAI_MEMBERS = {"model", "prompt", "n", "aspect_ratio", "response_format", "image"}
_BLOCKED = "Generated image rejected by content moderation."


def wires() -> tuple[Wire, ...]:
    """Builds both vendors' endpoints."""
    return (
        Wire(
            row="stability",
            prefix=STABILITY_PREFIX,
            routes=(route("POST", "/v2beta/stable-image/generate/(?P<model>core|ultra|sd3)", _stable),),
            authorize=_stability_key,
            question=lambda body: str(body.get("prompt") or ""),
            model=lambda call: str(call.body.get("model") or call.params.get("model", "")),
            refusal=_stability_refusal,
        ),
        Wire(
            row="xai",
            prefix=media_xai.PREFIX,
            routes=(route("POST", "/images/(generations|edits)", _grok),),
            authorize=_xai_key,
            question=lambda body: str(body.get("prompt") or ""),
            model=lambda call: str(call.body.get("model", "")),
            refusal=openai_shapes.refusal,
        ),
    )


def _stability_key(call: Call) -> None:
    if not hmac.compare_digest(call.headers.get("authorization", ""), f"Bearer {STABILITY_KEY}"):
        raise _stability_refusal(401, "authorization: invalid or missing", None)


def _stability_refusal(status: int, message: str, name: str | None) -> Refusal:
    return Refusal(status, {"id": "0", "name": name or "bad_request", "errors": [message]})


def _stable(call: Call) -> Reply:
    body = call.body
    if call.headers.get("accept") != "application/json":
        raise _stability_refusal(400, "accept: must be application/json", None)
    unknown = next((name for name in body if name not in _MEMBERS), None)
    if unknown is not None or not body.get("prompt"):
        raise _stability_refusal(400, f"{unknown or 'prompt'}: invalid or missing", None)
    image = body.get("image")
    if isinstance(image, dict):
        drawing.size_of(base64.b64decode(image["base64"]))
    if call.shape.refuse:
        raise _stability_refusal(403, "Your request was flagged by our moderation system.", "content_moderation")
    if call.shape.calls:
        return json_reply({"image": "", "finish_reason": "CONTENT_FILTERED", "seed": 1})
    size = _RATIOS.get(str(body.get("aspect_ratio", "1:1")))
    if size is None:
        raise _stability_refusal(400, "aspect_ratio: is not supported", None)
    words = f"{without_directives(str(body['prompt']))}#{body.get('seed', f'request {call.serial}')}"
    content = drawing.drawn(words, *size, str(body.get("output_format", "png")))
    return json_reply({"image": base64.b64encode(content).decode(), "finish_reason": "SUCCESS", "seed": 1})


def _xai_key(call: Call) -> None:
    if not hmac.compare_digest(call.headers.get("authorization", ""), f"Bearer {media_xai.API_KEY}"):
        raise openai_shapes.refusal(400, "Incorrect API key provided.", "invalid_argument")


def _grok(call: Call) -> Reply:
    body = call.body
    unknown = next((name for name in body if name not in _XAI_MEMBERS), None)
    if unknown is not None or not str(body.get("model", "")).startswith("grok-imagine-image"):
        raise openai_shapes.refusal(400, f"Argument not supported: {unknown}", "invalid_argument")
    if call.shape.refuse:
        raise openai_shapes.refusal(400, _BLOCKED, "invalid_argument")
    image = body.get("image")
    if call.path.endswith("/edits"):
        given: Json = image if isinstance(image, dict) else {}
        drawing.size_of(base64.b64decode(str(given.get("url", "")).partition("base64,")[2]))
    size = _XAI_RATIOS[str(body.get("aspect_ratio", "1:1"))]
    prompt = without_directives(str(body["prompt"]))
    made = [drawing.drawn(f"{prompt}/{index}", *size, "jpeg") for index in range(int(body.get("n", 1)))]
    data = [{"b64_json": base64.b64encode(picture).decode(), "revised_prompt": prompt} for picture in made]
    return json_reply({"data": data})
