"""DynamoDB's attribute values <-> plain values. Numbers are integers here: no float touches money.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Attribute = dict[str, Any]
Plain = Any


def to_attribute(value: Plain) -> Attribute:
    """Converts a plain value to DynamoDB's form; raises `TypeError` for a float or any value without an exact form."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            raise TypeError("binary attributes are not used")
        case list() | tuple():
            return {"L": [to_attribute(element) for element in value]}
        case Mapping():
            return {"M": to_item(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no exact attribute")


def to_item(values: Mapping[str, Any]) -> dict[str, Attribute]:
    """Converts a whole item; members that are `None` are left out."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_attribute(attribute: Attribute) -> Plain:
    """Converts an attribute to its plain value."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "S" | "BOOL":
            return value
        case "NULL":
            return None
        case "L":
            return [from_attribute(element) for element in value]
        case "M":
            return from_item(value)
        case _:
            raise TypeError(f"attributes of type {kind} are not used")


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """Converts a whole item to plain values."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}
