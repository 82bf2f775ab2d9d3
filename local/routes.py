"""Finds the route of a path as API Gateway REST does: an exact part before a parameter, a greedy parameter last.

Paths are matched as they were sent, still percent-encoded: `%2F` is no separator, it is part of a segment. A slash at
the end leads to the same resource and stays in the event's path.
Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html, and for
the slash what was measured in AWS: github.com/aws-powertools/powertools-lambda-python/issues/1552
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from local.template import Route


@dataclass(frozen=True, slots=True)
class Match:
    """A route and its path parameters, decoded once."""

    route: Route
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    """One path part of the API's resource tree."""

    exact: dict[str, "_Node"] = field(default_factory=dict)
    parameter: tuple[str, "_Node"] | None = None
    greedy: tuple[str, "_Node"] | None = None
    methods: dict[str, Route] = field(default_factory=dict)

    def child(self, part: str) -> "_Node":
        if not part.startswith("{"):
            return self.exact.setdefault(part, _Node())
        name = part.strip("{+}")
        kind = "greedy" if part.endswith("+}") else "parameter"
        known: tuple[str, _Node] = getattr(self, kind) or (name, _Node())
        setattr(self, kind, known)
        return known[1]


class Routes:
    """The API's resource tree."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for part in route.path.strip("/").split("/"):
                node = node.child(part)
            node.methods[route.method] = route

    def match(self, method: str, raw_path: str) -> Match | None:
        """Finds the route of a percent-encoded path. Returns None if API Gateway has no such resource or method."""
        found = _find(self._root, raw_path.removeprefix("/").removesuffix("/").split("/"), {})
        if not found:
            return None
        node, parameters = found
        route = node.methods.get(method) or node.methods.get("ANY")
        return Match(route, parameters) if route else None


def _find(node: _Node, parts: list[str], taken: dict[str, str]) -> tuple[_Node, dict[str, str]] | None:
    if not parts:
        return (node, taken) if node.methods else None
    first, *rest = parts
    exact = node.exact.get(first)
    found = _find(exact, rest, taken) if exact else None
    if not found and node.parameter and first:
        name, child = node.parameter
        found = _find(child, rest, {**taken, name: unquote(first)})
    if not found and node.greedy and first:
        name, child = node.greedy
        found = (child, {**taken, name: unquote("/".join(parts))})
    return found
