"""Refuses requests that Gemini refuses, with its texts: unknown fields, wrong turns, missing signatures.

Sources: https://ai.google.dev/api/generate-content, .../gemini-api/docs/thought-signatures, .../function-calling;
a schema knows the fields of the API's `Schema` message and no other (https://ai.google.dev/api/caching#Schema).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from local.providers import gemini_table, seals
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Refusal

SIGNATURE = "gemini thought"
# The documented values for a call that comes from another model and has no signature.
SENTINELS = frozenset({
    "skip_thought_signature_validator", "context_engineering_is_the_way_to_go",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I", "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
})  # fmt: skip

_STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    409: "ABORTED", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL",
    503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_FIELDS = frozenset({
    "model", "contents", "tools", "toolConfig", "safetySettings", "systemInstruction", "generationConfig",
    "cachedContent", "serviceTier", "store",
})  # fmt: skip
_VERTEX_FIELDS = frozenset({"labels", "modelArmorConfig"})
_CONFIG_FIELDS = frozenset({
    "audioTimestamp", "audioTranscriptionConfig", "candidateCount", "enableAffectiveDialog",
    "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig", "logprobs", "maxOutputTokens", "mediaResolution",
    "modelSelectionConfig", "presencePenalty", "responseFormat", "responseJsonSchema", "responseLogprobs",
    "responseMimeType", "responseModalities", "responseSchema", "routingConfig", "seed", "speechConfig",
    "stopSequences", "temperature", "thinkingConfig", "topK", "topP", "translationConfig",
})  # fmt: skip
_SCHEMA_FIELDS = frozenset({
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties",
    "required", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf",
    "propertyOrdering", "default", "items", "minimum", "maximum",
})  # fmt: skip
_VERTEX_SCHEMA_FIELDS = frozenset({"additionalProperties", "defs", "ref"})
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED"})
_ROLES = frozenset({"user", "model", "function"})
_NUMBERS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2), "topP": (0, 1), "maxOutputTokens": (1, 2**31 - 1), "candidateCount": (1, 8),
}  # fmt: skip


def refusal(status: int, message: str, code: str | None = None, details: Sequence[Json] = ()) -> Refusal:
    """Builds an error in Google's shape. A `code` given by a fault replaces the status name."""
    error: Json = {"code": status, "message": message, "status": code or _STATUSES.get(status, "UNKNOWN")}
    return Refusal(status, {"error": error | ({"details": list(details)} if details else {})})


def invalid(message: str) -> Refusal:
    """Builds a 400 INVALID_ARGUMENT."""
    return refusal(400, message)


def check(body: Json, model: str, *, vertex: bool) -> None:
    """Raises the service's refusal of a request whose keys are camelCase already."""
    _known(body, _FIELDS | _VERTEX_FIELDS if vertex else _FIELDS, "")
    schema_fields = _SCHEMA_FIELDS | _VERTEX_SCHEMA_FIELDS if vertex else _SCHEMA_FIELDS
    _known(body.get("generationConfig") or {}, _CONFIG_FIELDS, "generation_config")
    _numbers(body.get("generationConfig") or {})
    _schemas(body, schema_fields)
    _tools(body, model)
    _contents(body)
    _turns(body["contents"])
    _thinking(body, model)
    _signatures(body["contents"], model)
    for fault in gemini_table.faults(body, model):
        raise invalid(fault)


def _known(message: Json, fields: frozenset[str], at: str) -> None:
    for name in message:
        if name not in fields:
            where = f" at '{at}'" if at else ""
            text = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
            violation = {"field": at, "description": text} if at else {"description": text}
            bad = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
            raise refusal(400, text, details=[bad])


def _numbers(config: Json) -> None:
    for name, (least, most) in _NUMBERS.items():
        value = config.get(name)
        if value is not None and not isinstance(value, (int, float)):
            raise invalid(f"Invalid value at 'generation_config.{name}' (TYPE_FLOAT), \"{value}\"")
        if value is not None and not least <= value <= most:
            raise invalid(
                f"* GenerateContentRequest.generation_config.{name}: {name} must be in the range [{least}, {most}].\n"
            )


def _schemas(body: Json, fields: frozenset[str]) -> None:
    for at, schema in _given_schemas(body):
        _schema(schema, fields, at)


def _given_schemas(body: Json) -> Iterator[tuple[str, Json]]:
    config = body.get("generationConfig") or {}
    if config.get("responseSchema"):
        yield "generation_config.response_schema", config["responseSchema"]
    for index, tool in enumerate(body.get("tools") or ()):
        for position, declared in enumerate(tool.get("functionDeclarations") or ()):
            at = f"tools[{index}].function_declarations[{position}]"
            if declared.get("parameters"):
                yield f"{at}.parameters", declared["parameters"]


def _schema(schema: JsonValue, fields: frozenset[str], at: str) -> None:
    if not isinstance(schema, dict):
        raise invalid(f"Invalid value at '{at}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)")
    _known(schema, fields, at)
    kind = schema.get("type")
    if isinstance(kind, list):
        raise invalid(f"Invalid JSON payload received. Proto field is not repeating, cannot start list. ({at}.type)")
    if kind is not None and str(kind).upper() not in _TYPES:
        raise invalid(f"Invalid value at '{at}.type' (type.googleapis.com/google.ai.Type), \"{kind}\"")
    for index, inner in enumerate((schema.get("properties") or {}).values()):
        _schema(inner, fields, f"{at}.properties[{index}].value")
    for index, inner in enumerate(schema.get("anyOf") or ()):
        _schema(inner, fields, f"{at}.any_of[{index}]")
    if "items" in schema:
        _schema(schema["items"], fields, f"{at}.items")


def offered_searches(body: Json) -> set[str]:
    """Returns the search tools that the request offers; a null one is none."""
    offered = {name for tool in body.get("tools") or () for name, value in tool.items() if value is not None}
    return offered & {"googleSearch", "googleMaps"}


def _tools(body: Json, model: str) -> None:
    declared = [f for tool in body.get("tools") or () for f in tool.get("functionDeclarations") or ()]
    names = [function["name"] for function in declared]
    if len(set(names)) < len(names):
        raise invalid(f"Duplicate function declaration found: {names[-1]}")
    if declared and not model.startswith("gemini-3") and "googleSearch" in offered_searches(body):
        raise invalid("Tool use with function calling is unsupported")


def _contents(body: Json) -> None:
    contents = body.get("contents")
    if not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        if content.get("role", "user") not in _ROLES:
            raise invalid("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise invalid(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")
        for position, part in enumerate(content["parts"]):
            held = [name for name in part if name in _DATA]
            if len(held) > 1:
                raise invalid(
                    f"Invalid value at 'contents[{index}].parts[{position}]' (oneof), oneof field 'data' is already "
                    f"set. Cannot set '{held[-1]}'"
                )
            if not held:
                raise invalid(
                    f"* GenerateContentRequest.contents[{index}].parts[{position}].data: required oneof field "
                    "'data' must have one initialized field\n"
                )


_DATA = frozenset({
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
})  # fmt: skip


def _turns(contents: Sequence[Json]) -> None:
    """Refuses a turn of function calls that does not follow the user's or a tool's, or is not answered at once."""
    open_calls = 0
    before = ""
    for content in _joined_turns(contents):
        kind = turn_kind(content)
        if kind == "calls" and before not in {"user", "results"}:
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        if kind == "results":
            _answers(open_calls, content, before)
        elif open_calls:
            raise _not_equal()
        open_calls = sum(1 for part in content["parts"] if "functionCall" in part)
        before = kind
    if open_calls:
        raise _not_equal()


def _joined_turns(contents: Sequence[Json]) -> list[Json]:
    """Joins consecutive contents of one role into one turn, unless calls are in one and results in the other."""
    turns: list[Json] = []
    for content in contents:
        if turns and _same_turn(turns[-1], content):
            turns[-1] = turns[-1] | {"parts": [*turns[-1]["parts"], *content["parts"]]}
        else:
            turns.append(content)
    return turns


def _same_turn(one: Json, other: Json) -> bool:
    return one.get("role", "user") == other.get("role", "user") and "results" not in (
        turn_kind(one),
        turn_kind(other),
    )


def _answers(open_calls: int, content: Json, before: str) -> None:
    if before != "calls":
        raise invalid("Please ensure that function response turn comes immediately after a function call turn.")
    if sum(1 for part in content["parts"] if "functionResponse" in part) != open_calls:
        raise _not_equal()


def _not_equal() -> Refusal:
    return invalid(
        "Please ensure that the number of function response parts is equal to the number of function call parts of "
        "the function call turn."
    )


def turn_kind(content: Json) -> str:
    """Names the kind of a turn: `calls`, `results`, `user` or `model`."""
    for member, kind in (("functionCall", "calls"), ("functionResponse", "results")):
        if any(member in part for part in content["parts"]):
            return kind
    return "model" if content.get("role") == "model" else "user"


def _thinking(body: Json, model: str) -> None:
    config = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    rules: tuple[tuple[bool, str], ...] = (
        (
            "thinkingBudget" in config and "thinkingLevel" in config,
            "You can only set only one of thinking budget and thinking level.",
        ),
        (
            "thinkingLevel" in config and not model.startswith("gemini-3"),
            "Thinking level is not supported for this model.",
        ),
        (
            config.get("thinkingBudget") == 0 and "pro" in model,
            "Budget 0 is invalid. This model only works in thinking mode.",
        ),
    )
    for broken, message in rules:
        if broken:
            raise invalid(message)


def _signatures(contents: Sequence[Json], model: str) -> None:
    """Refuses a false signature, and a Gemini 3 model's current turn with a step whose first call has none."""
    for content in contents:
        for part in content["parts"]:
            signature = part.get("thoughtSignature")
            if signature is not None and not _is_genuine(signature, part):
                raise invalid("Corrupted thought signature.")
    if not model.startswith("gemini-3"):
        return
    asked = max((i for i, content in enumerate(contents) if turn_kind(content) == "user"), default=0)
    for index, content in enumerate(contents[asked:], asked):
        calls = [(at, part) for at, part in enumerate(content["parts"]) if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0][1]:
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{calls[0][1]['functionCall']['name']}` , position {index}. Please "
                "refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )


def _is_genuine(signature: str, part: Json) -> bool:
    """True if this part was sent with the signature, or if it is one of the documented stand-ins."""
    function = (part.get("functionCall") or {}).get("name", "")
    return signature.rstrip("=") in SENTINELS or seals.open_seal(SIGNATURE, function, signature) is not None


def camel(value: JsonValue) -> JsonValue:
    """Converts a request's field names to camelCase, since protobuf's JSON takes both forms. Data is left alone."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {_name(name): _inside(_name(name))(each) for name, each in value.items()}


def _name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest) if head else name


def _inside(name: str) -> Callable[[JsonValue], JsonValue]:
    if name in {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels", "default", "example"}:
        return _as_is
    return _named_schemas if name == "properties" else camel


def _as_is(value: JsonValue) -> JsonValue:
    return value


def _named_schemas(value: JsonValue) -> JsonValue:
    return {name: camel(schema) for name, schema in value.items()} if isinstance(value, dict) else value
