"""Writes the SDK's types and resources from the OpenAPI document.

`python -m sdks.typescript.generate` writes; with `--check` it fails where a file differs from what it would write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from sdks import described
from sdks.described import BY_HAND, JSON, Described, Schema, below, grouped_by, methods_of

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src"
WIDTH = 118
# Resources that have more than single requests: the class that theirs extends, and its file.
BASES = {
    "agents": ("AgentsBase", "waiting"),
    "chat.completions": ("ChatCompletionsBase", "chat_stream"),
    "generation.uploads": ("UploadsBase", "uploads"),
    "jobs": ("JobsBase", "waiting"),
    "models3d": ("Models3dBase", "waiting"),
    "tasks": ("TasksBase", "waiting"),
    "videos": ("VideosBase", "waiting"),
    "webhooks": ("WebhooksBase", "webhooks"),
}
# Arguments that choose another form of the answer: the name, the values that choose it, and those that do not.
TEXT = ("response_format", '"srt" | "text" | "vtt"', '"diarized_json" | "json" | "verbose_json" | null')
TEXT_WHERE = {
    "audio.transcriptions.create": TEXT,
    "audio.translations.create": TEXT,
    "billing.usage": ("format", '"csv"', "string | null"),
}
BACKGROUND = ("background", "true", "false | string | null")
STREAM = ("stream", "true", "false | null")
STREAM_WHERE = {"audio.speech.create": ("stream_format", '"sse"', '"audio" | null')}
# Methods that take a single text as well as an object: the member that the text is.
SHORT = {"organizations.create": "name"}
# What an answer has beside its members, by the transport.
GETTERS = {"Response": ("  /** All text of the output's messages. */", "  readonly output_text: string;")}
HEAD = "// {}\n// Written by `sdks/typescript/generate.py`.\n\n"
PRIMITIVES = {"integer": "number", "number": "number", "boolean": "boolean", "null": "null", "string": "string"}


class Types(described.Types):
    """TypeScript's types of the document's schemas."""

    def plain(self, schema: Schema, *, sent: bool) -> str:
        """The type of a schema that is no choice."""
        kind = schema.get("type")
        if kind == "array":
            element = self.of(schema["items"], sent=sent) if schema.get("items") else "any"
            return f"Array<{element}>" if re.search(r"[|&{]", element) else f"{element}[]"
        if kind == "object":
            more = schema.get("additionalProperties")
            return f"Record<string, {self.of(more, sent=sent) if isinstance(more, dict) and more else 'any'}>"
        if kind == "string" and schema.get("contentMediaType"):
            return "Uploadable"
        if kind == "string" and schema.get("format") == "decimal":
            return "Amount" if sent else "Decimal"
        return PRIMITIVES.get(str(kind), "any")

    def union(self, choices: list[Schema], *, sent: bool) -> str:
        """The type of one of several."""
        is_amount = {"string", "number"} <= {each.get("type") for each in choices}
        if sent and is_amount and any("pattern" in each for each in choices):
            return "Amount | null" if {"type": "null"} in choices else "Amount"
        found = dict.fromkeys(self.of(each, sent=sent) for each in choices)
        return "any" if "any" in found else " | ".join(found)

    def words(self, words: list[Any], *, sent: bool) -> str:
        """The type of fixed values."""
        union = " | ".join(text_of(word) for word in words)
        # A later server may say more; a single word tells kinds apart.
        is_open = not sent and len(words) > 1 and all(isinstance(each, str) for each in words)
        return f"Open<{union}>" if is_open else union

    def interface(self, name: str, *, sent: bool) -> str:
        """Writes the interface of a schema."""
        schema = self.schemas[name]
        required = schema.get("required", ())
        lines = [said(schema.get("description", name)), f"export interface {name}{'Param' if sent else ''} {{"]
        for member, each in schema["properties"].items():
            lines.append(self.member(member, each, sent=sent, is_required=member in required))
        lines += GETTERS.get(name, ()) if not sent else ()
        return "\n".join([*lines, "}"])

    def member(self, name: str, schema: dict[str, Any], *, sent: bool, is_required: bool) -> str:
        """Writes a member of an interface."""
        text = said(schema["description"], "  ") + "\n" if schema.get("description") else ""
        return f"{text}  {quoted(name)}{'' if is_required else '?'}: {self.of(schema, sent=sent)};"


def said(text: str, indent: str = "") -> str:
    """A comment of documentation, whose lines are not too long."""
    words, lines = " ".join(text.split()).replace("*/", "* /").split(" "), [""]
    for word in words:
        if len(indent) + len(lines[-1]) + len(word) > WIDTH - 8:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}" for line in lines), f"{indent} */"])


def text_of(value: Any) -> str:
    """The value as JSON."""
    return orjson.dumps(value).decode()


def quoted(name: str) -> str:
    """The name of a member, in quotes where it is no word."""
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name) else text_of(name)


def camel(name: str) -> str:
    """The name in TypeScript's style."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def pascal(name: str) -> str:
    """The name of a class of what the dotted name means."""
    return "".join(part[0].upper() + part[1:] for part in camel(name).split("."))


class Method(Described):
    """One operation as a method."""

    types: Types

    def __init__(self, verb: str, path: str, entry: dict[str, Any], types: Types) -> None:
        super().__init__(verb, path, entry, types)
        self.name = camel(self.name)

    @property
    def params(self) -> str:
        """The name of the interface of its arguments; empty where it has none."""
        return f"{pascal(self.id)}Params" if self.body is not None or self.in_query else ""

    def interface(self) -> str:
        """Writes the interface of its arguments."""
        members = {each["name"]: each["schema"] for each in self.in_query} | self.members
        lines = [f"/** Arguments of `{camel(self.id)}`. */", f"export interface {self.params} {{"]
        for name, schema in members.items():
            lines.append(self.types.member(name, schema, sent=True, is_required=name in self.required))
        return "\n".join([*lines, "}"])

    @property
    def answer(self) -> str:
        """The type of the answer that is neither a stream nor a page."""
        return self.ref(self.content.get(JSON)) or "HttpResponse"

    def forms(self) -> list[tuple[tuple[str, str, str], str]]:
        """Further forms of the answer: the argument that chooses it, and the type."""
        found = []
        if self.id in TEXT_WHERE:
            found.append((TEXT_WHERE[self.id], "string"))
        if self.accepted:
            found.append((BACKGROUND, self.accepted))
        if self.event:
            found.append((STREAM_WHERE.get(self.id, STREAM), f"Stream<{self.event}>"))
        return found

    def written(self) -> str:
        """Writes the method, with an overload for each form of its answer."""
        names = [f"{camel(each['name'])}: string" for each in self.in_path]
        lines = [said(self.entry["summary"], "  ")]
        if self.element:
            kind = f"PagePromise<{self.element}>"
            return "\n".join([*lines, self._head([*names, *self._params("")], kind) + " {", *self._code(), "  }"])
        forms = self.forms()
        for (name, values, _), kind in forms:
            lines.append(self._head([*names, *self._params(f" & {{ {name}: {values} }}")], f"APIPromise<{kind}>") + ";")
        if forms:
            narrow = "".join(f" & {{ {name}?: {usual} }}" for (name, _, usual), _ in forms)
            lines.append(self._head([*names, *self._params(narrow)], f"APIPromise<{self.answer}>") + ";")
            union = " | ".join([self.answer, *dict.fromkeys(kind for _, kind in forms)])
            lines.append(self._head([*names, *self._params("")], f"APIPromise<{union}>") + ";")
            lines.append(self._head([*names, *self._params("")], "APIPromise<any>") + " {")
        else:
            lines.append(self._head([*names, *self._params("")], f"APIPromise<{self.answer}>") + " {")
        return "\n".join([*lines, *self._code(), "  }"])

    def _params(self, more: str) -> list[str]:
        if not self.params:
            return []
        kind = f"params: {self.params}{more}" + (" | string" if self.id in SHORT else "")
        is_needed = self.required or (more and "?:" not in more)
        return [kind if is_needed else kind.replace("params:", "params?:", 1)]

    def _head(self, arguments: list[str], answer: str) -> str:
        line = f"  {self.name}({', '.join([*arguments, 'options?: RequestOptions'])}): {answer}"
        if len(line) <= WIDTH:
            return line
        split = [each.replace(" & ", "\n      & ") for each in [*arguments, "options?: RequestOptions"]]
        inner = "\n".join(f"    {each}," for each in split)
        return f"  {self.name}(\n{inner}\n  ): {answer}"

    def _code(self) -> list[str]:
        path = self.path
        for each in self.in_path:
            slashes = ", true" if "description" in each else ""
            path = path.replace(f"{{{each['name']}}}", f"${{part({camel(each['name'])}{slashes})}}")
        text = f"`{path}`" if self.in_path else f'"{path}"'
        call = [f'method: "{self.verb}"', f"path: {text}"]
        if self.id in SHORT:
            member = SHORT[self.id]
            call.append(f'params: typeof params === "string" ? {{ {member}: params }} : params')
        elif self.params:
            call.append("params")
        if self.in_query:
            call.append(f"query: [{', '.join(text_of(each['name']) for each in self.in_query)}]")
        call += ["hasBody: true"] if self.body is not None else []
        call += ["isForm: true"] if self.is_form else []
        call += [f"secrets: [{', '.join(map(text_of, self.secrets))}]"] if self.secrets else []
        call += ["needsKey: false"] if not self.entry["security"] else []
        call += ["options"]
        verb = "page" if self.element else "ask"
        line = f"    return this.client.{verb}({{ {', '.join(call)} }});"
        if len(line) <= WIDTH:
            return [line]
        return [f"    return this.client.{verb}({{", *(f"      {each}," for each in call), "    });"]


def resources_of(methods: list[Method]) -> str:
    """Writes the classes of resources, and the one that holds them."""
    grouped = grouped_by(methods)
    classes = []
    for name in sorted((each for each in grouped if each), key=lambda each: (-each.count("."), each)):
        base = BASES.get(name, ("Resource", ""))[0]
        lines = [f"/** Methods of `client.{camel(name)}`. */", f"export class {pascal(name)}Resource extends {base} {{"]
        classes.append("\n".join([*lines, *body_of(name, grouped), "}"]))
    lines = ["/** Everything that a client has. */", "export class Resources extends Transport {"]
    classes.append("\n".join([*lines, *body_of("", grouped), "}"]).replace("this.client.", "this."))
    return "\n\n".join(classes)


def body_of(name: str, grouped: dict[str, list[Method]]) -> list[str]:
    """Writes the resources below one, and its methods."""
    given = "this.client" if name else "this"
    inner = [
        f"  /** Methods of `{camel(each)}`. */\n"
        f"  readonly {camel(each.rpartition('.')[2])} = new {pascal(each)}Resource({given});"
        for each in below(name, grouped)
    ]
    return ["\n\n".join([*inner, *(each.written() for each in grouped.get(name, ()) if each.id not in BY_HAND)])]


def files() -> dict[Path, str]:
    """Writes every file."""
    document = described.document()
    types = Types(document["components"]["schemas"])
    methods = methods_of(document["paths"], Method, types)
    resources = resources_of(methods)
    params = [each.interface() for each in methods if each.params]
    for method in methods:
        for media in method.content.values():
            method.ref(media)
    answers, sent = interfaces_of(types, sent=False), interfaces_of(types, sent=True)
    used = {
        "types": sorted(each for each in types.answers if re.search(rf"\b{each}\b", resources)),
        "params": sorted({each.params for each in methods if each.params and each.params in resources}),
    }
    imports = [
        'import { Transport } from "./client.js";',
        *(
            named("import", sorted(each for each, at in BASES.values() if at == file), file)
            for file in sorted({at for _, at in BASES.values()})
        ),
        'import { Resource } from "./resource.js";',
        'import type { APIPromise, PagePromise } from "./promises.js";',
        'import { part, type HttpResponse, type RequestOptions } from "./request.js";',
        'import type { Stream } from "./streaming.js";',
        *(named("import type", names, file) for file, names in used.items()),
    ]
    return {
        SOURCE / "types.ts": HEAD.format("Types of answers.")
        + 'import type { Decimal, Open } from "./request.js";\n\n' + "\n\n".join(answers) + "\n",
        SOURCE / "params.ts": HEAD.format("Types of arguments.")
        + 'import type { Amount, Uploadable } from "./request.js";\n\n' + "\n\n".join([*sent, *params]) + "\n",
        SOURCE / "resources.ts": HEAD.format("Resources of the client.")
        + "\n".join(imports) + "\n\n" + resources + "\n",
    }  # fmt: skip


def named(word: str, names: list[str], file: str) -> str:
    """Writes an import of names."""
    return "\n".join([f"{word} {{", *(f"  {each}," for each in names), f'}} from "./{file}.js";'])


def interfaces_of(types: Types, *, sent: bool) -> list[str]:
    """Writes the interfaces of all that is named, and of what these name."""
    done = types.all_named(lambda name: types.interface(name, sent=sent), sent=sent)
    return [done[name] for name in sorted(done)]


if __name__ == "__main__":
    described.write(files())
