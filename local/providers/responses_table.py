"""Refuses the requests that the constraint table forbids on the Responses API, with OpenAI's texts."""

from __future__ import annotations

from collections.abc import Iterator

from local.providers import openai_shapes, openai_table
from local.providers.json_value import Json
from local.providers.vendor_rules import rules_of


def check(body: Json, items: list[Json]) -> None:
    """Refuses a request that the table forbids for the model. `items` are those of this request."""
    rules = rules_of("openai_responses", str(body.get("model")))
    _bound(body.get("max_output_tokens"), rules.limits.output_tokens_min, rules.output_tokens_max)
    openai_table.refuse_names(rules, dict(_names(body, items)))
    openai_table.refuse_ids(rules, dict(_ids(items)))
    openai_table.refuse_effort((body.get("reasoning") or {}).get("effort"), rules, "reasoning.effort")
    for name in rules.limits.lacks:
        if body.get(name) is not None:
            raise openai_shapes.refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") == "function":
            openai_table.refuse_root(tool.get("parameters"), rules, tool["name"], f"tools[{index}].parameters")
    wanted = (body.get("text") or {}).get("format") or {}
    openai_table.refuse_format(wanted, rules, "text.format")
    openai_table.refuse_answer_root(wanted.get("schema"), rules, "text.format.schema")
    _json_word(wanted, body, items)
    openai_table.refuse_user(body.get("user"), rules)
    for part in _parts(items):
        openai_table.refuse_image(part.get("image_url"), rules)


def _bound(asked: object, least: int, most: int) -> None:
    if not isinstance(asked, int) or least <= asked <= most:
        return
    word, code, bound = ("above maximum", "above_max", most) if asked > most else ("below minimum", "below_min", least)
    sign = "<=" if asked > most else ">="
    message = (
        f"Invalid 'max_output_tokens': integer {word} value. Expected a value {sign} {bound}, but got {asked} instead."
    )
    raise openai_shapes.refusal(400, message, f"integer_{code}_value", "max_output_tokens")


def _names(body: Json, items: list[Json]) -> Iterator[tuple[str, str]]:
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") in {"function", "custom"}:
            yield f"tools[{index}].name", str(tool.get("name"))
    for index, item in enumerate(items):
        if item.get("type") in {"function_call", "custom_tool_call"}:
            yield f"input[{index}].name", str(item.get("name"))


def _ids(items: list[Json]) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(items):
        if "call_id" in item:
            yield f"input[{index}].call_id", str(item["call_id"])


def _json_word(wanted: Json, body: Json, items: list[Json]) -> None:
    if wanted.get("type") == "json_object" and "json" not in f"{items} {body.get('instructions')}".lower():
        raise openai_shapes.refusal(
            400,
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            None,
            "input",
        )


def _parts(items: list[Json]) -> Iterator[Json]:
    for item in items:
        for held in (item.get("content"), item.get("output")):
            yield from (part for part in held if isinstance(part, dict)) if isinstance(held, list) else ()
