"""Finds every code of an error that the gateway gives, by reading each call of a class of `gateway.errors`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gateway import errors

ROOT = Path(__file__).parents[2]
CODE = ROOT / "layers" / "shared" / "gateway"
# What API Gateway refuses by itself, in the words of the template.
REFUSED = re.compile(r'StatusCode: "(\d{3})".*?"type": "(\w+)".*?"code": "(\w+)"', re.DOTALL)
CONSTANT = re.compile(r'(?m)^([A-Z_]+) = "(\w+)"$')
# What a file has that gives a code; the others are not parsed.
GIVES = re.compile(r"\bcode ?=|_refused\(|_wrong\(|\.error\(")
# Codes that are said in an event of a socket, where an answer over HTTP has none.
SOCKETS = ("realtime", "sockets")
# Functions that make an `InvalidRequest`, with so many arguments where the last one is its code.
MAKERS = {"_refused": 3, "_wrong": 3, "error": 2}
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.GatewayError)
}


class Given(NamedTuple):
    """One way in which a code leaves: under a status and a type, by HTTP or by an event of a socket."""

    code: str
    status: int
    type: str
    in_event: bool = False


@cache
def given() -> frozenset[Given]:
    """Finds the codes of the whole gateway: those of the code, of its classes, and of API Gateway's own refusals."""
    texts = {path: path.read_text() for path in sorted(CODE.rglob("*.py"))}
    shared = dict(pair for text in texts.values() for pair in CONSTANT.findall(text))
    found = {
        each
        for path, text in texts.items()
        if GIVES.search(text)
        for each in _of(text, shared, in_event=path.relative_to(CODE).parts[0] in SOCKETS)
    }
    of_classes = {Given(k.default_code, k.status, k.type) for k in CLASSES.values() if k.default_code}
    template = (ROOT / "template.yaml").read_text()
    of_template = {Given(code, int(status), kind) for status, kind, code in REFUSED.findall(template)}
    return frozenset(found | of_classes | of_template)


def _of(text: str, shared: dict[str, str], *, in_event: bool) -> Iterator[Given]:
    constants = shared | dict(CONSTANT.findall(text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            last = [*node.args[-1:]] if len(node.args) == MAKERS.get(name) else []
            codes = [each.value for each in node.keywords if each.arg == "code"]
            kind = errors.InvalidRequest if name in MAKERS else CLASSES.get(name)
        else:
            # A code that is chosen first, and given to the call below.
            last = [node.value] if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code" else []
            codes, kind = [], errors.InvalidRequest
        if kind is not None:
            texts = {text for value in (*codes, *last) for text in _texts(value, constants)}
            yield from (Given(text, kind.status, kind.type, in_event) for text in texts)


def _texts(value: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """Lists the texts that an expression may come to, as far as they are written in it."""
    match value:
        case ast.Constant(value=str(text)) if re.fullmatch(r"[a-z]+(_[a-z]+)*", text):
            yield text
        case ast.Name(id=name) if name in constants:
            yield from _texts(ast.Constant(constants[name]), {})
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, constants)
            yield from _texts(other, constants)
        case _:
            pass
