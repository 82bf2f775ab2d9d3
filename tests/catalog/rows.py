"""Small catalogs with one row of each sort, to read unchanged or with one mistake."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from gateway.ports.catalog import KnownNames
from gateway.ports.upstream import CUSTOM

KNOWN = KnownNames(
    providers={"lab": ("plain_wire", "other_wire"), "host": ("host_wire",)},
    profiles={"plain": ("plain_wire", "other_wire", "host_wire"), "hosted": ("host_wire",)},
    regional={"host": r"[a-z]+-[1-9]"},
    tools={"plain_wire": ("search",), "host_wire": ("search", "fetch")},
)
# The same with the providers that an operator may add.
OPEN = replace(
    KNOWN,
    providers={**KNOWN.providers, CUSTOM: ("plain_wire", "host_wire")},
    regional={**KNOWN.regional, CUSTOM: r"[a-z-]+"},
    default_wires={CUSTOM: ("plain_wire",)},
)

CHAT: dict[str, Any] = {
    "price_version": "2026-03-01",
    "models": [
        {
            "id": "one",
            "owned_by": "lab",
            "created": 1_760_000_000,
            "context_window": 1000,
            "max_output_tokens": 100,
            "input": ["text", "image"],
            "capabilities": ["tools"],
            "profile": "plain",
            "price": {"input": "1", "output": "2.50"},
        },
        {
            "id": "two",
            "owned_by": "lab",
            "created": 1_760_000_001,
            "context_window": 2000,
            "max_output_tokens": 200,
            "input": ["text", "image"],
            "capabilities": ["tools", "vision"],
            "profile": "plain",
            "price": {"input": "3", "cache_read": "0.30", "output": "4"},
            "targets": [
                {"wires": ["other_wire"], "streams": False},
                {
                    "provider": "host",
                    "upstream_model": "lab.two-v1",
                    "region": "eu-1",
                    "price": {"input": "5", "output": "6"},
                },
            ],
        },
        {"id": "old", "retired": {"on": "2026-02-01", "successor": "two"}},
    ],
    "aliases": [{"id": "nexevo/fast", "created": 1_750_000_000, "tier": "fast", "models": ["one", "two"]}],
}

MEDIA: dict[str, Any] = {
    "price_version": "2026-03-01",
    "models": [
        {
            "id": "film",
            "owned_by": "lab",
            "created": 1_760_000_000,
            "kind": "video",
            "price": {"per_second": "0.10"},
            "deadline_s": 1800,
            "prompt_characters_max": 100,
            "reference": "optional",
            "reference_types": ["png"],
            "durations_s": {"from": "1", "to": "2", "step": "0.5"},
            "aspect_ratios": ["16:9"],
            "fallbacks": ["film-2"],
            "targets": [{}, {"provider": "host", "upstream_model": "lab/film", "price": {"per_second": "0.20"}}],
        },
        {
            "id": "film-2",
            "owned_by": "lab",
            "created": 1_760_000_001,
            "kind": "video",
            "price": {"per_second": "0.10"},
            "deadline_s": 1800,
            "prompt_characters_max": 100,
            "reference": "none",
            "durations_s": ["4", "6"],
            "aspect_ratios": ["16:9", "1:1"],
            "seed_max": 7,
        },
        {
            "id": "statue",
            "owned_by": "lab",
            "created": 1_760_000_002,
            "kind": "3d",
            "price": {"per_asset": "0.60", "per_asset_from_prompt": "0.40"},
            "deadline_s": 1800,
            "prompt_characters_max": None,
            "reference": "required",
            "reference_types": ["png", "webp"],
            "output_formats": ["glb"],
        },
        {"id": "old-film", "retired": {"on": "2026-02-01", "successor": "film"}},
    ],
    "aliases": [{"id": "nexevo/video", "created": 1_750_000_000, "models": ["film-2", "film"]}],
}


def changed(document: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """Returns the document with another value at the path."""
    copy = deepcopy(document)
    holder: Any = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return copy


def without(document: dict[str, Any], *path: Any) -> dict[str, Any]:
    """Returns the document without the member at the path."""
    copy = deepcopy(document)
    holder: Any = copy
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return copy
