"""The page of models, with their prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit

catalog = Pages()


@catalog.on("GET", "/models")
async def show_models(visit: Visit) -> Answer:
    """Lists the models that the account may use, by a text, a kind and a provider."""
    query = visit.request.query
    text, kind, provider = (query.get(name, "").strip() for name in ("q", "kind", "provider"))
    models = (await visit.get("/v1/models", by_key=True))["data"]
    kinds = sorted({model["kind"] for model in models})
    providers = sorted({model["owned_by"] for model in models})
    shown = [
        model
        for model in models
        if text.lower() in model["id"].lower() and kind in {"", model["kind"]} and provider in {"", model["owned_by"]}
    ]
    rows = [{**model, "prices": _prices(model), "margin": _margin(model)} for model in shown]
    asked = {"text": text, "kind": kind, "provider": provider}
    return visit.page("models", models=rows, kinds=kinds, providers=providers, total=len(models), **asked)


def _prices(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The prices of a model by name, without their unit."""
    pricing = model.get("pricing") or {}
    return [(name, _plain(str(value))) for name, value in pricing.items() if _is_price(name, value)]


def _plain(price: str) -> str:
    """A price without zeros that say nothing: 0.60 beside 0.6 looks like two prices."""
    return price.rstrip("0").rstrip(".") if "." in price else price


def _margin(model: Mapping[str, Any]) -> object:
    """The percentage that is billed on top of the prices, where there is one."""
    return (model.get("pricing") or {}).get("margin_percent")


def _is_price(name: str, value: object) -> bool:
    return (
        name not in {"currency", "unit", "margin_percent"}
        and isinstance(value, str | int | float)
        and not isinstance(value, bool)
    )
