"""Expands the loops of `AWS::LanguageExtensions` in a template, as CloudFormation does.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
"""

import re
from collections.abc import Mapping
from typing import Any

# A part of a template's tree, of any type that YAML can hold.
Node = Any
TRANSFORM = "AWS::LanguageExtensions"
LOOP = "Fn::ForEach::"
NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]")
VARIABLE = re.compile(r"[$&]\{[^}]*\}")


class LoopError(ValueError):
    """A loop is not written as CloudFormation expects it. The message names the loop."""


def expand(template: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the template with its loops expanded and their transform removed. Raises LoopError."""
    transforms = template.get("Transform", [])
    listed = [transforms] if isinstance(transforms, str) else list(transforms)
    if TRANSFORM not in listed:
        return dict(template)
    mappings = template.get("Mappings", {})
    expanded = {key: _Expansion(mappings, {}).node(value) for key, value in template.items() if key != "Mappings"}
    left = [name for name in listed if name != TRANSFORM]
    kept = {"Mappings": mappings} if mappings else {}
    return {**expanded, **kept, "Transform": left[0] if len(left) == 1 else left}


class _Expansion:
    """One pass with the values that the surrounding loops' identifiers have."""

    def __init__(self, mappings: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._mappings = mappings
        self._values = values

    def node(self, node: Node) -> Node:
        match node:
            case str():
                return self._text(node)
            case list():
                return [self.node(item) for item in node]
            case {"Ref": str(name)} if len(node) == 1 and name in self._values:
                return self._values[name]
            case {"Fn::FindInMap": [str(), _, _] as argument} if len(node) == 1:
                return self._found([self.node(part) for part in argument])
            case {"Fn::Sub": str(text)} if len(node) == 1:
                replaced = self._text(text)
                return replaced if not VARIABLE.search(replaced) else {"Fn::Sub": replaced}
            case dict():
                return self._members(node)
        return node

    def _members(self, node: dict[str, Node]) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for key, value in node.items():
            made = self._loop(key, value) if key.startswith(LOOP) else {self._text(key): self.node(value)}
            members = _joined(key, members, made)
        return members

    def _loop(self, key: str, value: Node) -> dict[str, Node]:
        match value:
            case [str(identifier), list(collection), dict(body)]:
                made: dict[str, Node] = {}
                for item in self.node(collection):
                    passed = _Expansion(self._mappings, {**self._values, identifier: item})
                    made = _joined(key, made, passed.node(body))
                return made
        raise LoopError(f"{key}: a loop is a list of an identifier, a list of strings, and what is made for each")

    def _text(self, text: str) -> str:
        for identifier, value in self._values.items():
            text = text.replace(f"${{{identifier}}}", value)
            text = text.replace(f"&{{{identifier}}}", NOT_ALPHANUMERIC.sub("", value))
        return text

    def _found(self, argument: list[Node]) -> Node:
        """Looks up a value of a mapping if its keys are known at this point."""
        name, first, second = argument
        if isinstance(first, str) and isinstance(second, str):
            return self._mappings[name][first][second]
        return {"Fn::FindInMap": argument}


def _joined(key: str, members: dict[str, Node], more: dict[str, Node]) -> dict[str, Node]:
    twice = members.keys() & more.keys()
    if twice:
        raise LoopError(f"{key}: {', '.join(sorted(twice))} would stand in the template twice")
    return members | more
