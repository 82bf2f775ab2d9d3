"""Shapes of answers about the gateway itself: its endpoints, its models for sale, and its plan for a request."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from local.openapi.shapes.base import Json, Shape, listed


class Health(Shape, kw_only=True):
    """The API answers."""

    status: Literal["ok"]
    version: str


class Root(Shape, kw_only=True):
    """Places of the endpoints."""

    object: Literal["gateway"]
    name: str
    base_urls: dict[str, str]
    models: str


class Modalities(Shape, kw_only=True):
    """Kinds of content that a model reads and writes."""

    input: list[str]
    output: list[str]


class Model(Shape, kw_only=True):
    """A model for sale: what it can do, and its prices, whose members depend on its kind."""

    id: str
    object: Literal["model"]
    kind: str
    created: int
    owned_by: str
    provider: str
    pricing: Json
    context_window: int | UnsetType | None = UNSET
    max_output_tokens: int | UnsetType | None = UNSET
    modalities: Modalities | UnsetType = UNSET
    capabilities: list[str] | UnsetType = UNSET
    dimensions: Any | UnsetType = UNSET
    parameters: Json | UnsetType = UNSET
    models: list[str] | UnsetType = UNSET
    knowledge: str | UnsetType = UNSET
    retires_on: str | UnsetType = UNSET
    retired_on: str | UnsetType = UNSET
    successor: str | UnsetType = UNSET
    simulated: bool | UnsetType = UNSET


ModelList = listed("ModelList", Model)


class RouteCandidate(Shape, kw_only=True):
    """A model at a provider that would be asked, with the reasons for its place and the bounds of its price."""

    model: str
    provider: str
    region: str | None
    asked_as: str
    reasons: list[str]
    price_bounds: dict[str, str]
    propensity: float


class RouteAnswer(Shape, kw_only=True):
    """A plan: what would serve a chat request, in order, and what was left out."""

    object: Literal["route"]
    model: str
    grade: Json | None
    candidates: list[RouteCandidate]
    refusal: Json | None
    excluded: list[Json]
