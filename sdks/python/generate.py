"""Writes the SDK's types and async resources from the OpenAPI document, and all that is sync from what is async.

`python -m sdks.python.generate` writes; with `--check` it fails where a file differs from what it would write.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sdks import described
from sdks.described import BY_HAND, EVENTS, JSON, Described, Schema, below, grouped_by, methods_of
from sdks.python.unasync import ASYNC_ONLY, sync_of

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "nexevo_ai"
# Resources that have more than single requests, and their classes in `_async/conveniences.py`.
HELPERS = {
    "agents": "Agents", "chat.completions": "ChatCompletions", "generation.uploads": "Uploads", "jobs": "Jobs",
    "models3d": "Models3d", "responses": "Responses", "tasks": "Tasks", "videos": "Videos", "webhooks": "Webhooks",
}  # fmt: skip
# Answers that have more than their members, and their bases in `_models.py`.
BASES = {"Response": "ResponseText"}
HEAD = '"""{}\n\nWritten by `sdks/python/generate.py`.\n"""\n\nfrom __future__ import annotations\n\n'


class Types(described.Types):
    """Python types of the document's schemas."""

    def plain(self, schema: Schema, *, sent: bool) -> str:
        """The annotation of a schema that is no choice."""
        kind = schema.get("type")
        if kind == "array":
            element = self.of(schema["items"], sent=sent) if schema.get("items") else "Any"
            return f"Sequence[{element}]" if sent else f"List[{element}]"
        if kind == "object":
            more = schema.get("additionalProperties")
            if isinstance(more, dict) and more:
                return f"{'Mapping' if sent else 'Dict'}[str, {self.of(more, sent=sent)}]"
            return "Mapping[str, Any]" if sent else "Object"
        if kind == "string":
            if schema.get("contentMediaType"):
                return "FileContent"
            return "Money" if schema.get("format") == "decimal" else "str"
        return {"integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(str(kind), "Any")

    def union(self, choices: list[Schema], *, sent: bool) -> str:
        """The annotation of one of several."""
        if (
            sent
            and {"string", "number"} <= {each.get("type") for each in choices}
            and any("pattern" in each for each in choices)
        ):
            return "Amount" if {"type": "null"} not in choices else "Optional[Amount]"
        found = dict.fromkeys(self.of(each, sent=sent) for each in choices)
        is_optional = found.pop("None", self) is None
        joined = next(iter(found)) if len(found) == 1 else f"Union[{', '.join(found)}]"
        return f"Optional[{joined}]" if is_optional else joined

    def words(self, words: list[Any], *, sent: bool) -> str:
        """The annotation of fixed values."""
        literal = f"Literal[{', '.join(map(repr, words))}]"
        if sent or not all(isinstance(word, str) for word in words):
            return literal
        # A later server may say more.
        return "str" if len(words) == 1 else f"Union[{literal}, str]"


def model_of(types: Types, name: str) -> str:
    """Writes one class."""
    schema = types.schemas[name]
    lines = [f"class {name}({BASES.get(name, 'NexevoModel')}):", f'    """{schema.get("description", name)}"""', ""]
    for member, each in schema.get("properties", {}).items():
        kind, is_hidden = types.of(each, sent=False), described.is_secret(each)
        if member in schema.get("required", ()):
            lines.append(f"    {member}: {kind}{' = Field(repr=False)' if is_hidden else ''}")
        else:
            kind = kind if kind.startswith(("Optional", "Any")) else f"Optional[{kind}]"
            lines.append(f"    {member}: {kind} = {'Field(None, repr=False)' if is_hidden else 'None'}")
    return "\n".join(lines)


def param_of(types: Types, name: str) -> str:
    """Writes one class of what is sent."""
    schema = types.schemas[name]
    lines = [f"class {name}Param(TypedDict, total=False):", f'    """{schema.get("description", name)}"""', ""]
    lines += [f"    {member}: {types.of(each, sent=True)}" for member, each in schema.get("properties", {}).items()]
    return "\n".join(lines)


class Method(Described):
    """One operation as a method."""

    @property
    def params(self) -> str:
        """The name of the class of its further arguments."""
        return "".join(part.title().replace("_", "") for part in [*self.resource.split("."), self.name]) + "Params"

    def params_class(self) -> str:
        """Writes the class of its further arguments."""
        members = self.members | {each["name"]: each["schema"] for each in self.in_query}
        apart = {*self.required, *(["stream"] if self.streams else [])}
        rest = {name: each for name, each in members.items() if name not in apart}
        lines = [f"class {self.params}(RequestOptions, total=False):", f'    """Arguments of `{self.id}`."""']
        shown = [f"    {name}: {self.types.of(each, sent=True)}{overrides(name)}" for name, each in rest.items()]
        return "\n".join([*lines, *([""] if shown else []), *shown])

    def written(self) -> str:
        """Writes the method, and its overloads where an answer may be a stream."""
        own, event = self.answer, self.event
        if not self.streams:
            return self._definition(own, more="")
        both = f"Union[{own}, AsyncStream[{event}]]"
        heads = [
            self._definition(answer, more=f"stream: {said}, ", head_only=True)
            for answer, said in ((f"AsyncStream[{event}]", "Literal[True]"), (own, "Literal[False] = ..."))
        ]
        return "\n\n".join([*heads, self._definition(both, more="stream: bool = False, ")])

    @property
    def streams(self) -> bool:
        """True where an argument asks for a stream."""
        names = [each["name"] for each in self.in_query] + list(self.members)
        return EVENTS in self.content and "stream" in names

    @property
    def answer(self) -> str:
        """The type of its answer."""
        if self.element:
            return f"AsyncPage[{self.element}]"
        if self.content.get(JSON):
            texts = ["str"] if any(name.startswith("text/") and name != EVENTS for name in self.content) else []
            kinds = [self.ref(self.content[JSON]), *([self.accepted] if self.accepted else []), *texts]
            return kinds[0] if len(kinds) == 1 else f"Union[{', '.join(kinds)}]"
        return "BinaryResponse"

    def _arguments(self) -> list[str]:
        ids = [f"{each['name']}: str" for each in self.in_path]
        return ids + [f"{name}: {self.types.of(self.members[name], sent=True)}" for name in self.required]

    def _definition(self, answer: str, *, more: str, head_only: bool = False) -> str:
        given = ", ".join(["self", *self._arguments()])
        more = f"*, {more}" if more and "*" not in given else more
        head = f"    async def {self.name}({given}, {more}**params: Unpack[{self.params}]) -> {answer}:"
        if head_only:
            return f"    @overload\n{head} ..."
        said = self.entry["summary"].replace('"', "'")
        head = f"    @deferred  {ASYNC_ONLY}\n{head}" if self.element else head
        return "\n".join([head, f'        """{said}"""', *self._code(answer)])

    def _code(self, answer: str) -> list[str]:
        path = self.path
        for each in self.in_path:
            slashes = ", slashes=True" if "description" in each else ""
            path = path.replace(f"{{{each['name']}}}", f"{{path_part({each['name']}{slashes})}}")
        text = f'f"{path}"' if self.in_path else f'"{path}"'
        stream = ['**({"stream": True} if stream else {})'] if self.streams else []
        arguments = ", ".join([*(f'"{name}": {name}' for name in self.required), *stream, "**params"])
        query = tuple(each["name"] for each in self.in_query)
        more = [f"query={query!r}"] if query else []
        more += [f"body={tuple(self.members)!r}"] if self.body is not None else []
        more += ["is_form=True"] if self.is_form else []
        more += ["needs_key=False"] if not self.entry["security"] else []
        more += ["is_once=True"] if self.verb == "POST" else []
        call = ", ".join([f'"{self.verb}"', text, f"{{{arguments}}}", *more])
        asked = f"        answer: {answer} = await self._ask({', '.join(['call', *self._kinds()])})"
        return [f"        call = call_of({call})", asked, "        return answer"]

    def _kinds(self) -> list[str]:
        if self.element:
            return [f"element={self.element}"]
        found = [f"kind={self.ref(self.content[JSON])}"] if self.content.get(JSON) else []
        found += [f"accepted={self.accepted}"] if self.accepted else []
        return found + ([f"event={self.event}"] if EVENTS in self.content else [])


def overrides(name: str) -> str:
    """A note for type checkers, where a member has the name of an option."""
    return "  # type: ignore[misc]  # the body's, not the option" if name == "idempotency_key" else ""


def resources_of(top: str, grouped: dict[str, list[Method]]) -> str:
    """Writes the classes of one resource and of those that it holds."""
    own = [name for name in grouped if name.split(".")[0] == top]
    classes = []
    for name in sorted(own, key=lambda each: (-each.count("."), each)):
        helper = f"Async{HELPERS[name]}Helpers" if name in HELPERS else "AsyncResource"
        lines = [f"class {class_of(name)}({helper}):", f'    """Methods of `client.{name}`."""']
        lines += properties_of(name, grouped)
        lines += ["\n" + each.written() for each in grouped[name] if each.id not in BY_HAND]
        classes.append("\n".join(lines))
    return "\n\n\n".join(classes)


def holder_of(grouped: dict[str, list[Method]]) -> str:
    """Writes the class of which the client is one, which holds all resources."""
    top = ["class AsyncResources(AsyncResource):", '    """All that a client has."""', *properties_of("", grouped)]
    return "\n".join([*top, *("\n" + each.written() for each in grouped.get("", ()))])


def properties_of(name: str, grouped: dict[str, list[Method]]) -> list[str]:
    """Writes the resources below one."""
    return [
        f"\n    @cached_property\n    def {each.rpartition('.')[2]}(self) -> {class_of(each)}:\n"
        f'        """Methods of `{each}`."""\n        return {class_of(each)}(self._client, form=self._form)'
        for each in below(name, grouped)
    ]


def class_of(name: str) -> str:
    """The name of a resource's class."""
    return "Async" + "".join(part.title().replace("_", "") for part in name.split(".")) + "Resource"


def files() -> dict[Path, str]:
    """Writes every file."""
    document = described.document()
    types = Types(document["components"]["schemas"])
    methods = methods_of(document["paths"], Method, types)
    grouped = grouped_by(methods)
    places = places_of(grouped, types)
    made: dict[Path, str] = {}
    for kind, write in (("types", model_of), ("params", param_of)):
        for place in sorted({place for (of, _), place in places.items() if of == kind}):
            names = sorted(name for (of, name), at in places.items() if of == kind and at == place)
            made[PACKAGE / kind / f"{place}.py"] = types_module(
                kind, [write(types, name) for name in names], places, place
            )
    tops = sorted({name.split(".")[0] for name in grouped if name})
    for top in tops:
        classes = [each.params_class() for name in grouped if name.split(".")[0] == top for each in grouped[name]]
        path = PACKAGE / "params" / f"{top}.py"
        more = made.get(path, types_module("params", [], places, top)).rstrip()
        shared = "".join(f"from nexevo_ai.params.shared import {name}Param\n" for (of, name), at in places.items()
                         if (of, at) == ("params", "shared") and f"{name}Param" in "\n".join(classes))  # fmt: skip
        made[path] = more.replace("# Shared.", f"# Shared.\n{shared}") + "\n\n\n" + "\n\n\n".join(classes) + "\n"
    made[PACKAGE / "params" / "root.py"] = types_module("params", [], places, "root") + "\n\n".join(
        each.params_class() + "\n" for each in grouped.get("", ()))  # fmt: skip
    exported = {name: at for (of, name), at in places.items() if of == "types"}
    lines = [f"from nexevo_ai.types.{at} import {name}" for name, at in sorted(exported.items())]
    listed = ", ".join(f'"{name}"' for name in sorted(exported))
    made[PACKAGE / "types" / "__init__.py"] = (
        HEAD.format("Types of answers.") + "\n".join(lines) + f"\n\n__all__ = [{listed}]\n"
    )
    made[PACKAGE / "params" / "__init__.py"] = '"""Types of arguments, for type checkers."""\n'
    for top in tops:
        made[PACKAGE / "aio" / f"{top}.py"] = resource_module(resources_of(top, grouped), top, methods, places)
    imports = [f"from nexevo_ai.aio.{top} import {class_of(top)}" for top in tops]
    text = "\n".join(imports) + "\n\n\n" + holder_of(grouped)
    made[PACKAGE / "aio" / "__init__.py"] = '"""Resources of the async client."""\n'
    made[PACKAGE / "aio" / "resources.py"] = resource_module(text, "root", methods, places)
    return made | sync_files(made)


def sync_files(made: dict[Path, str]) -> dict[Path, str]:
    """Writes the sync twins of the written resources, and of what the async client has by hand."""
    resources = {PACKAGE / "sync" / path.name: text for path, text in made.items() if path.parent.name == "aio"}
    by_hand = {path: path.read_text() for path in sorted((PACKAGE / "_async").glob("*.py"))}
    noted = {PACKAGE / "_sync" / path.name: with_note(text, f"_async/{path.name}") for path, text in by_hand.items()}
    return {path: sync_of(text) for path, text in (resources | noted).items()}


def with_note(source: str, origin: str) -> str:
    """Notes in a module's docstring where it comes from."""
    end = source.index('"""', 3)
    return f"{source[:end]}\n\nWritten by `sdks/python/generate.py` from `{origin}`.\n{source[end:]}"


def places_of(grouped: dict[str, list[Method]], types: Types) -> dict[tuple[str, str], str]:
    """The module of each type: that of the one resource that uses it, or the shared one."""
    users: dict[tuple[str, str], set[str]] = {}
    for resource, methods in grouped.items():
        types.answers, types.params = {}, {}
        for method in methods:
            method.params_class(), method.written()
            for media in method.content.values():
                method.ref(media)
        types.all_named(lambda name: model_of(types, name), sent=False)
        types.all_named(lambda name: param_of(types, name), sent=True)
        for kind, found in (("types", types.answers), ("params", types.params)):
            for name in found:
                users.setdefault((kind, name), set()).add(resource.split(".")[0] or "root")
    return {one: next(iter(tops)) if len(tops) == 1 else "shared" for one, tops in users.items()}


def types_module(kind: str, classes: list[str], places: dict[tuple[str, str], str], place: str) -> str:
    """Writes a module of types."""
    said = "Types of answers." if kind == "types" else "Types of arguments."
    suffix = "" if kind == "types" else "Param"
    lines = ["from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, TypedDict, Union\n"]
    answers = ["from pydantic import Field\n", "from nexevo_ai._models import Money, NexevoModel, Object, ResponseText"]
    lines += answers if kind == "types" else ["from nexevo_ai._request import Amount, FileContent, RequestOptions"]
    lines.append("# Shared.")
    if place != "shared":
        text = "\n".join(classes)
        lines += [f"from nexevo_ai.{kind}.shared import {name}{suffix}" for (of, name), at in places.items()
                  if of == kind and at == "shared" and re.search(rf"\b{name}{suffix}\b", text)]  # fmt: skip
    body = "\n\n\n".join(classes)
    names = re.findall(r"^class (\w+)\((?:NexevoModel|ResponseText)", body, re.MULTILINE)
    rebuilt = "\n\n\n" + "\n".join(f"{name}.model_rebuild()" for name in names) if names else ""
    return HEAD.format(said) + "\n".join(lines) + "\n\n\n" + body + rebuilt + "\n"


def resource_module(text: str, top: str, methods: list[Method], places: dict[tuple[str, str], str]) -> str:
    """Writes a module of resources, with the imports that it needs."""
    used = [(each, at) for (of, each), at in places.items() if of == "types" and re.search(rf"\b{each}\b", text)]
    given = sorted({each.params for each in methods if re.search(rf"\b{each.params}\b", text)})
    sent = [(each, at) for (of, each), at in places.items() if of == "params" and re.search(rf"\b{each}Param\b", text)]
    helpers = [each for each in (*(f"Async{one}Helpers" for one in HELPERS.values()), "AsyncResource") if each in text]
    lines = [
        "from functools import cached_property",
        "from typing import TYPE_CHECKING, Any, Literal, Mapping, Optional, Sequence, Union, overload\n",
        "from nexevo_ai._answers import BinaryResponse",
        "from nexevo_ai._async.answers import AsyncPage",
        f"from nexevo_ai._async.conveniences import {', '.join(helpers)}",
        "from nexevo_ai._async.streams import AsyncStream",
        f"from nexevo_ai._deferred import deferred  {ASYNC_ONLY}",
        "from nexevo_ai._models import Object",
        "from nexevo_ai._request import Amount, FileContent, call_of, path_part",
        *(f"from nexevo_ai.types.{at} import {each}" for each, at in used),
        "\nif TYPE_CHECKING:",
        "    from typing_extensions import Unpack\n",
        *(f"    from nexevo_ai.params.{top} import {each}" for each in given),
        *(f"    from nexevo_ai.params.{at} import {each}Param" for each, at in sent),
        "\n",
    ]
    return HEAD.format("Resources of the async client.") + "\n".join(lines) + text + "\n"


STYLE = ("--isolated", "--config", "line-length=120", "--config", "target-version='py39'", "--quiet")
SORTED = (
    "--fix",
    "--unsafe-fixes",
    "--select",
    "F401,FURB122,I,RET504,RUF100,UP006,UP028,UP035",
    "--config",
    "lint.isort.known-first-party=['nexevo_ai']",
)


def formatted(texts: dict[Path, str]) -> dict[Path, str]:
    """The files in the one format, without imports that they do not need."""
    with tempfile.TemporaryDirectory() as folder:
        places = {path: Path(folder) / path.relative_to(PACKAGE) for path in texts}
        for path, place in places.items():
            place.parent.mkdir(exist_ok=True)
            place.write_text(texts[path])
        for command in (("format",), ("check", *SORTED), ("format",)):
            ruff = [sys.executable, "-m", "ruff", *command, *STYLE, "--no-cache", folder]
            subprocess.run(ruff, check=True)  # noqa: S603  # a tool of our own, on files of our own
        return {path: place.read_text() for path, place in places.items()}


if __name__ == "__main__":
    described.write(formatted(files()))
