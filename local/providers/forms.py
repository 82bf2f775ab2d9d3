"""Reads a form that a simulated vendor is sent, by Python's own reader of mail: fields as text, files by what they are.

A field whose name ends in brackets is a list.
"""

from __future__ import annotations

import base64
import email.policy
from email import message_from_bytes

from local.providers.json_value import Json, JsonValue


def is_form(content_type: str) -> bool:
    """True for a form with files."""
    return content_type.lower().startswith("multipart/form-data")


def members(content_type: str, raw: bytes) -> Json:
    """Returns the form's fields by name; a file is an object with its `filename`, `type` and `base64`."""
    whole = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw, policy=email.policy.HTTP)
    found: Json = {}
    for part in whole.walk():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        value = _value(part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        if name.endswith("[]"):
            found.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            found[name] = value
    return found


def _value(filename: str | None, kind: str, payload: object) -> JsonValue:
    content = payload if isinstance(payload, bytes) else b""
    if filename is None:
        return content.decode()
    return {"filename": filename, "type": kind, "base64": base64.b64encode(content).decode()}
