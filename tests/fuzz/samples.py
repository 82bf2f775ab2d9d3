"""Valid bodies of every endpoint that takes one, by the path's pattern; the first pattern that matches counts.

The four wires of text generation have the goldens of bridging, one for each feature, and the requests of agents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tests.bridging.goldens import requests
from tests.fuzz.json_text import learn
from tests.http.endpoints import Endpoint

EVENTS = Path(__file__).parents[2] / "events"
AGENTS = Path(__file__).parents[1] / "golden" / "agents"
# A model of each provider, of each of OpenAI's wires, an alias, and one that does not exist.
MODELS = ("gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat", "gpt-5-pro", "o4-mini", "gpt-5",
          "aws/claude-haiku-4-5", "nexevo/fast", "nexevo/auto:cheap", "no-such-model")  # fmt: skip
SAID = "Who wrote Emma?"
ROUTING: tuple[dict[str, Any], ...] = (
    {"models": ["claude-haiku-4-5", "gpt-4o"]},
    {"provider": {"order": ["openai"], "allow_fallbacks": False, "require_parameters": True, "sort": "price"}},
    {"max_price": {"prompt": "3", "completion": 15.5}},
    {"max_price": {"total": "0.5"}, "max_tokens": 20},
    {"user": "u-1", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "seed": 7, "n": 2},
    {"temperature": 0.5, "top_p": 0.9, "stop": ["a"], "logprobs": True, "top_logprobs": 2, "logit_bias": {"1": 5}},
)
KEY_SETTINGS: dict[str, Any] = {
    "name": "made",
    "monthly_spend_cap_usd": "10.5",
    "rpm_limit": 60,
    "tpm_limit": 1000,
    "max_parallel": 2,
    "user_rpm_limit": 5,
    "allowed_ips": ["203.0.113.0/24", "2001:db8::/32"],
    "allowed_models": ["gpt-4o", "claude-*"],
    "expires_at": "2030-01-31T00:00:00Z",
    "region_policy": "any",
    "cache": "semantic",
    "cache_threshold": 0.8,
    "alert_webhook_url": "https://example.com/alerts",
    "can_manage_keys": False,
    "disabled": False,
}
VIDEO: dict[str, Any] = {
    "model": "wan-2.6",
    "prompt": "a cat skating in neon Tokyo",
    "duration_sec": 5,
    "aspect_ratio": "16:9",
    "reference_image_url": "https://example.com/a.png",
    "negative_prompt": "dogs",
    "seed": 7,
    "webhook_url": "https://example.com/told",
    "provider": {"allow_fallbacks": False},
}
STRANGER = {"email": "eve@example.com", "password": "quite long enough", "full_name": "Eve"}
VIDEO_MODELS = ("wan-2.6", "sora-2", "veo-3", "runway-gen4", "nexevo/video-fast", "wan-2.6-pro")


def _wire(protocol: str) -> list[Any]:
    goldens = [golden.body for golden in requests()[protocol].values()]
    goldens += [goldens[0] | goldens[place] | goldens[place + 1] for place in range(0, len(goldens) - 1, 2)]
    asked = [body | {"model": MODELS[place % len(MODELS)]} for place, body in enumerate(goldens)]
    return asked + [body | {"stream": True} for body in asked[::2]]


def _agents(member: str) -> list[Any]:
    found = [orjson.loads(path.read_bytes()) for path in sorted(AGENTS.glob("*.json"))]
    return [body for body in found if member in body]


CONVERSATIONS: dict[str, list[Any]] = {
    r".*/realtime/client_secrets": [
        {"session": {"type": "realtime", "model": "gpt-realtime", "instructions": SAID}},
        {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": {"model": "grok-voice-latest"}},
    ],
    r".*/feedback": [
        {"generation_id": f"gen-nxn-{'0' * 18}", "rating": 1, "comment": "Helpful!", "tags": ["accurate"]},
        {"generation_id": "gen-nxn-1", "rating": -1},
    ],
    r".*/conversations(/[^/]*)?": [
        {"title": "My Session", "metadata": {"user_id": "u-1", "n": [1, 2.5, None]}},
        {"metadata": None, "title": None},
    ],
    r".*/conversations/[^/]*/messages": [{"role": "user", "content": SAID}, {"role": "tool", "content": "sunny"}],
    r".*/conversations/[^/]*/items": [
        {"items": [{"role": "user", "content": SAID}, {"type": "reasoning", "id": "rs_1", "summary": []}]},
    ],
}


def _without(sample: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in sample.items() if name not in names}


def _listed() -> dict[str, list[Any]]:
    chat = [*_wire("openai_chat"), *({"model": "gpt-4o", "messages": [{"role": "user", "content": SAID}]} | more
                                     for more in ROUTING)]  # fmt: skip
    responses, messages = _wire("openai_responses"), _wire("anthropic_messages")
    gemini = [_without(body, "model", "stream") for body in _wire("gemini")]
    continued: list[dict[str, Any]] = [
        {"model": "gpt-4o", "previous_response_id": "resp_nxn-1", "input": SAID, "include": []}
    ]
    continued += [{"model": "gpt-4o", "input": SAID, "background": True, "stream": stream} for stream in (True, False)]
    video = [VIDEO, *({"model": model, "prompt": SAID} for model in VIDEO_MODELS)]
    return {
        r"/v1/chat/completions": [*chat, *(body for body in _agents("messages") if "system" not in body)],
        r"/v1/completions": [
            {"model": "gpt-4o", "prompt": prompt, "max_tokens": 9, "echo": True, "suffix": "x", "n": 1, "stop": "\n",
             "logprobs": 2, "best_of": 1, "stream": stream}
            for prompt in (SAID, [SAID, "And?"], [1, 2], [[1], [2]]) for stream in (False, True)
        ],
        r"/v1/messages.*": [*messages, *(body for body in _agents("messages") if "system" in body)],
        r"/v1/responses/resp_.*": [{}],
        r"/v1/responses.*": [*responses, *continued, *_agents("input")],
        r"/v1(beta)?/models/.*:countTokens": [*gemini, *({"generateContentRequest": body} for body in gemini)],
        r"/v1(beta)?/(models|tunedModels)/.*": [*gemini, *_agents("contents")],
        r".*/keys": [KEY_SETTINGS, {"name": "made"}],
        r".*/keys/[^/]*": [_without(KEY_SETTINGS, "name"), {"disabled": True}, {"expires_at": None}],
        r".*/provider-keys": [
            {"provider": "openai", "api_key": "sk-proj-1234567890", "settings": {}, "mode": "only", "name": "ours"},
            {"provider": "bedrock", "api_key": "ABSKkey-1234", "settings": {"region": "us-east-1"}, "verify": False},
        ],
        r".*/provider-keys/[^/]*": [{"mode": "only"}, {"api_key": "sk-proj-0987654321", "settings": {}, "name": "new"}],
        r".*/mcp/servers": [{"name": "wiki", "url": "https://mcp.example.com/mcp", "token": "token-12345678"}],
        r".*/spend-cap": [{"monthly_spend_cap_usd": "5"}, {"monthly_spend_cap_usd": 5.25}, {"clear": True}],
        r".*/alert-webhook": [{"url": "https://example.com/alerts"}, {"url": None}],
        r".*/region-policy": [{"region_policy": "cn-only"}],
        r".*/(revoke|rotate|cancel)|.*/(provider-keys|mcp/servers)/.*/(test|refresh)": [{}],
        r"/v1/files/presign": [{"purpose": "reference_image", "size": 10, "type": "image/png"}],
        r"/v1/3d/generations": [
            {"model": "hunyuan-3d-2", "prompt": "a longboat", "output_format": "glb", "seed": 7},
            {"model": "nexevo/3d-fast", "reference_image_url": "https://example.com/a.png"},
        ],
        r"/v1/videos/generations": video,
        r"/v1/videos": [
            {"prompt": SAID, "model": "sora-2", "seconds": "4", "size": "1280x720"},
            {"prompt": SAID, "seconds": 4, "input_reference": {"image_url": "https://example.com/a.png"}},
        ],
        r".*/generation/upload": [{}],
        r"/v1/files": [{}],
        r"/v1/auth/(login|register)": [{"email": "jane@example.com", "password": "a password"}, STRANGER],
        r"/v1/auth/verify-email": [{"token": "a" * 43}],
        r"/v1/auth/reset-password": [{"token": "a" * 43, "new_password": "an other one"}],
        r"/v1/auth/refresh": [{"refresh_token": "rt-" + "a" * 43}],
        r"/v1/auth/forgot-password": [{"email": "jane@example.com"}],
        r"/v1/auth/profile": [{"full_name": "Jane Austen"}],
        r"/v1/auth/change-password": [{"current_password": "a password", "new_password": "an other one"}],
        r"/v1/auth/2fa/.*": [{"password": "a password"} | more for more in ({}, {"code": "123456"})],
        r"/v1/auth/logout": [{}],
        r".*/billing/(topup|checkout)": [{"amount_usd": "20", "idempotency_key": "topup-1"}, {"amount_usd": 20.5}],
        r".*/billing/auto-topup": [
            {"enabled": True, "threshold_usd": "5", "amount_usd": "20", "monthly_ceiling_usd": "100"},
            {"enabled": False},
        ],
        r".*/billing/alerts": [{"low_balance_usd": "5", "webhook_url": "https://example.com/low"}],
        r".*/billing/webhook": [{"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {}}}],
        **CONVERSATIONS,
        r".*/organizations(/[^/]*)?": [{"name": "Acme Inc"}],
        r".*/organizations/[^/]*/invitations": [{"email": "eve@example.com", "role": "developer"}],
        r".*/organizations/invitations/.*": [{"token": "a" * 43}],
        r".*/organizations/[^/]*/members/.*": [{"role": "admin"}, {"monthly_spend_cap_usd": "5"}],
        r".*/organizations/[^/]*/transfer-ownership": [{"new_owner_user_id": "user_000000000000000002"}],
        r"/v1/callbacks/.*": [{"id": "task-1", "status": "succeeded", "output": ["https://example.com/x.mp4"]}],
    }  # fmt: skip


@cache
def listed() -> dict[str, list[Any]]:
    """Returns the samples by pattern, after they were learnt from."""
    found = _listed()
    for samples in found.values():
        for sample in samples:
            learn(sample)
    return found


def samples_of(endpoint: Endpoint) -> Sequence[Any]:
    """Returns the valid bodies of an endpoint; those of a family without any here are its sample event's."""
    found = next((samples for pattern, samples in listed().items() if re.fullmatch(pattern, endpoint.path)), None)
    return found or (orjson.loads(orjson.loads((EVENTS / f"{endpoint.family}.json").read_bytes())["body"]),)
