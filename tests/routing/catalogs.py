"""Small catalogs for tests of plans: a row takes what it does not say from here."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.request import ChatRequest
from gateway.catalog.catalog import Catalog
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.ports.keys import KeyRecord
from gateway.protocols import openai_chat
from gateway.providers.chat.registry import KNOWN
from gateway.routing.plan import Excluded, Plan, id_of
from gateway.routing.planning import concluded, plan

PROFILES = {
    "openai": "openai_gpt",
    "azure": "openai_gpt",
    "deepseek": "deepseek",
    "anthropic": "claude_budget",
    "bedrock": "claude_budget",
    "gemini": "gemini_2_5_flash",
    "vertex": "gemini_2_5_flash",
}


def target(provider: str, price_in: str = "1", price_out: str = "2", **more: Any) -> dict[str, Any]:
    """A target of a row."""
    price = {"input": price_in, "output": price_out} | more.pop("price", {})
    return {"provider": provider, "profile": PROFILES[provider], "price": price} | more


def model(name: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row of a model that does everything."""
    return {
        "id": name,
        "owned_by": "openai",
        "created": 1_760_000_000,
        "context_window": 100_000,
        "max_output_tokens": 8_000,
        "input": ["text", "image"],
        "capabilities": ["tools", "structured_output", "vision", "reasoning"],
        "targets": list(targets) or [target("openai")],
    } | more


def alias(name: str, *models: str, **more: Any) -> dict[str, Any]:
    """A row of an alias at list prices."""
    return {"id": name, "created": 1_760_000_000, "models": list(models)} | more


def catalog_of(*rows: dict[str, Any]) -> Catalog[ChatModel]:
    """The catalog of the rows; those with `models` are aliases."""
    aliases = [row for row in rows if "models" in row]
    models = [row for row in rows if "models" not in row]
    document = {"price_version": "2026-01-01", "models": models} | ({"aliases": aliases} if aliases else {})
    return parse(CHAT_MODELS, document, KNOWN)


def caller(**settings: Any) -> Principal:
    """A caller whose key has these settings."""
    record = KeyRecord(key_id="key", account_id="acct", name="k", last4="abcd", created_at_s=0, **settings)
    return Principal("acct", record)


def asked(name: str, **members: Any) -> ChatRequest:
    """A request on OpenAI's wire."""
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}]} | members
    return openai_chat.CLIENT.decode_request(orjson.dumps(body))


def planned(
    catalog: Catalog[ChatModel], name: str, excluded: list[Excluded] | None = None, **members: Any
) -> Plan[ChatModel]:
    """The plan of a request by a caller whose key allows everything."""
    request, out = asked(name, **members), [] if excluded is None else excluded
    return concluded(plan(request, catalog, caller(), out), request.routing, out)


def order(catalog: Catalog[ChatModel], name: str, **members: Any) -> list[str]:
    """The ids of the candidates, in their order."""
    return list(map(id_of, planned(catalog, name, **members).candidates))
