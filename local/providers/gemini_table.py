"""Refuses the requests that the constraint table forbids on Gemini, with Google's texts. Keys are camelCase already."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from local.providers.json_value import Json
from local.providers.vendor_rules import VendorRules, image_fault, is_refused_text, name_faults, rules_of

_AT = "* GenerateContentRequest"


def faults(body: Json, model: str) -> Iterator[str]:
    """Yields the table's objections to a request, in order."""
    rules = rules_of("gemini", model)
    for rule in _RULES:
        yield from rule(body, rules)


def _config(body: Json, rules: VendorRules) -> Iterator[str]:
    config = body.get("generationConfig") or {}
    asked, most = config.get("maxOutputTokens"), rules.output_tokens_max
    if isinstance(asked, int) and asked > most:
        yield (
            f"Unable to submit request because it has a maxOutputTokens value of {asked} but the supported range is "
            f"from 1 (inclusive) to {most + 1} (exclusive). Update the value and try again."
        )
    stops, count = rules.limits.stops_max, len(config.get("stopSequences") or ())
    if stops is not None and count > stops:
        yield f"{_AT}.generation_config.stop_sequences: at most {stops} stop sequences are allowed.\n"
    half = 1 << (rules.limits.seed_bits - 1)
    if not -half <= int(config.get("seed") or 0) < half:
        yield f"Invalid value at 'generation_config.seed' (TYPE_INT32), {config['seed']}"
    if "presence_penalty" in rules.limits.lacks and (config.get("presencePenalty") or config.get("frequencyPenalty")):
        yield "Penalty is not enabled for this model"
    as_json = config.get("responseMimeType") == "application/json"
    if as_json and body.get("tools") and not rules.limits.answer_format_with_tools:
        yield "Function calling with a response mime type: 'application/json' is unsupported"


def _names(body: Json, rules: VendorRules) -> Iterator[str]:
    functions = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    names = {f"tools[0].function_declarations[{at}].name": str(each.get("name")) for at, each in enumerate(functions)}
    for path, _, _ in name_faults(rules.limits.tool_name, names):
        yield (
            f"{_AT}.{path}: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, "
            "A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.\n"
        )
    for each in functions:
        schema = each.get("parametersJsonSchema")
        if schema is not None and schema.get("type") != "object":
            yield (
                f"Unable to submit request because {each.get('name')} functionDeclaration parameters schema should be "
                "of type OBJECT"
            )


def _turns(body: Json, rules: VendorRules) -> Iterator[str]:
    contents = body.get("contents") or []
    roles = [content.get("role", "user") for content in contents]
    if rules.limits.opens_with_user and roles and roles[0] == "model" and len(roles) > 1:
        yield "Please ensure that multiturn requests alternate between user and model and begin with a user role."
    if rules.limits.closes_with_user and roles and roles[-1] == "model":
        yield "Please ensure that multiturn requests end with a user role or a function response."


def _texts(body: Json, rules: VendorRules) -> Iterator[str]:
    instruction = body.get("systemInstruction")
    instructions = [] if instruction is None else [("system_instruction", instruction)]
    contents = [(f"contents[{at}]", content) for at, content in enumerate(body.get("contents") or ())]
    for path, content in (*instructions, *contents):
        # The real service accepts its own empty texts back, as recorded requests show.
        for position, part in enumerate(() if content.get("role") == "model" else content.get("parts") or ()):
            text = part.get("text")
            if text is not None and is_refused_text(rules.limits, text):
                where = f"{_AT}.{path}.parts[{position}].data"
                yield f"{where}: required oneof field 'data' must have one initialized field\n"


def _images(body: Json, rules: VendorRules) -> Iterator[str]:
    for content in body.get("contents") or ():
        for part in content.get("parts") or ():
            blob = part.get("inlineData") or {}
            kind = str(blob.get("mimeType"))
            if kind.startswith("image/") and image_fault(rules.limits, kind, "") is not None:
                yield f"Unsupported MIME type: {kind}"


_RULES: tuple[Callable[[Json, VendorRules], Iterator[str]], ...] = (_config, _names, _turns, _texts, _images)
