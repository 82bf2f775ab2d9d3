"""The families by what the template says of each, so that a list in a test needs no edit for a new one."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.template.translated import load

FUNCTION = re.compile(r"\$\{(\w+)Function\.?Alias\w*\}")


def _resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load()["Resources"]
    return found


@cache
def functions() -> dict[str, str]:
    """Each function's family, which is its folder."""
    return {
        name: resource["Properties"]["CodeUri"].removeprefix("functions/")
        for name, resource in sorted(_resources().items())
        if resource["Type"] == "AWS::Serverless::Function"
    }


@cache
def naming(policy: str) -> tuple[str, ...]:
    """The families whose role names a policy of the template; raises `LookupError` for a policy that none names."""
    found = [family for name, family in functions().items() if {"Ref": policy} in _policies(name)]
    if not found:
        raise LookupError(f"no role names {policy}")
    return tuple(found)


def _policies(function: str) -> list[dict[str, str]]:
    role = _resources()[function]["Properties"]["Role"]["Fn::GetAtt"]
    name = role[0] if isinstance(role, list) else role.partition(".")[0]
    named: list[dict[str, str]] = _resources()[name]["Properties"].get("ManagedPolicyArns", [])
    return named


@dataclass(frozen=True)
class Routed:
    """One method of one path of the API, and the family that answers. `ANY` is every method."""

    family: str
    method: str
    path: str
    is_streamed: bool


@cache
def routed() -> tuple[Routed, ...]:
    """Every path of the API."""
    found = []
    for path, methods in _resources()["Api"]["Properties"]["DefinitionBody"]["paths"].items():
        for method, described in methods.items():
            integration = described["x-amazon-apigateway-integration"]
            function = FUNCTION.search(integration["uri"]["Fn::Sub"])
            assert function is not None, path
            asked = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            is_streamed = integration.get("responseTransferMode") == "STREAM"
            found.append(Routed(functions()[f"{function[1]}Function"], asked, path, is_streamed))
    assert found
    return tuple(found)


@cache
def streamed() -> dict[str, tuple[tuple[str, str], ...]]:
    """The methods and paths of each family whose answers API Gateway streams."""
    found: dict[str, list[tuple[str, str]]] = {}
    for route in routed():
        if route.is_streamed:
            found.setdefault(route.family, []).append((route.method, route.path))
    assert found
    return {family: tuple(paths) for family, paths in sorted(found.items())}
