"""Builds the constraint tables of docs/bridging.md from the rows of the code, with every value and source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gateway.canonical.target import Profile
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.constraints import RULES, Alphabet, Rule

DIALECTS = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "OpenAI Responses",
    "deepseek": "DeepSeek",
    "compatible": "OpenAI-compatible",
    "xai": "xAI",
    "groq": "Groq",
    "mistral": "Mistral",
    "cerebras": "Cerebras",
    "perplexity": "Perplexity",
    "cohere_chat": "Cohere",
    "qwen": "Qwen (DashScope)",
    "moonshot": "Moonshot",
    "zhipu": "Zhipu (Z.ai)",
    "minimax": "MiniMax",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini and Vertex",
    "bedrock_converse": "Bedrock Converse",
}
# The constrained members, and the treatment of a request that does not fit.
MEMBERS = {
    "output_tokens_min": ("least bound of an answer", "raised; strictly 400"),
    "bound_in_context": ("prompt and bound fit the context together", "lowered; strictly 400"),
    "tool_name": ("names of tools", "mapped, and back in the answer"),
    "tool_names_repeat": ("two tools may have one name", "the first; another one of the name strictly 400"),
    "argument_name": ("names of a tool's arguments, at the top", "mapped, and back in the answer"),
    "call_id": ("ids of calls", "mapped, for a call and its result alike"),
    "call_ids_repeat": ("calls of two turns may have one id", "a number behind it, for a call and its result alike"),
    "texts": ("a text is", "left out, and a turn of nothing else too"),
    "instructions_between": ("instructions may stand between turns", "told ahead; behind the last answer, by the user"),
    "opens_with_user": ("the user speaks first", "a word of the user's goes ahead"),
    "closes_with_user": ("the user speaks last", "a word of the user's follows"),
    "closes_with_blank": ("an answer to go on with may end in blanks", "cut off"),
    "thinks_from_answer": ("thinking, where the assistant speaks last", "no thinking; strictly 400"),
    "takes_thoughts": ("reasoning of earlier answers may be told", "left out"),
    "names_speakers": ("a message may have a name", "left out"),
    "call_id_digits": ("letters and digits of a call's id, exactly", "a digest, for a call and its result alike"),
    "tool_choices_refused": (
        "refused choices of tools",
        "the model's own; without tools where calls are forbidden; strictly 400",
    ),
    "cache_marks_max": (
        "cache markers",
        "the last ahead of the turns, and the last of all; strictly 400",
    ),
    "cache_lifetimes_rise": ("an hour's cache marker behind one of five minutes", "five minutes; strictly 400"),
    "document_alone": ("a document needs no text beside it", "a text is added"),
    "tools_max": ("tools", "the first so many, and those chosen; strictly 400"),
    "tool_description_max": ("characters of a tool's description", "the rest goes to its schema's description"),
    "arrays_without_items": ("arrays of a schema need not say of what", "of anything, said so"),
    "tool_root_refused": ("not at the root of a tool's schema", "merged, or told in the description; strictly 400"),
    "tool_root_only": ("alone at the root of a tool's schema", "left out; strictly 400 where that loses anything"),
    "tool_root_without_properties": ("a tool's schema may lack `properties`", "added, empty"),
    "strict_schemas_closed": ("strict schemas close every object", "not strict; strictly 400"),
    "schema_keywords": (
        "in schemas of answers and strict tools, closed",
        "told in the description; strictly 400",
    ),
    "schema_formats": ("formats of texts in these schemas", "told in the description; strictly 400"),
    "answer_formats": ("JSON answers by", "the next weaker manner, last in words; a schema strictly 400"),
    "answer_root_any": ("an answer's schema may be of any type", "told in words; strictly 400"),
    "answer_format_with_tools": ("JSON answers beside tools", "asked for in words; a schema strictly 400"),
    "json_unsaid": ("JSON mode without the word in the prompt", "said"),
    "stops_max": ("stop sequences", "the first so many; strictly 400"),
    "stops_blank": ("blank stop sequences", "left out; strictly 400"),
    "temperature_max": ("temperature up to", "lowered; strictly 400"),
    "seed_bits": ("bits of a seed", "the last so many; strictly 400"),
    "user_characters_max": ("characters of an end user's id", "a digest; strictly 400"),
    "image_types": ("pictures", "400"),
    "lacks": ("unknown", "left out; strictly 400"),
}


def constraint_tables() -> Iterator[str]:
    """Yields the constraints of each wire, and the additional ones of each generation of models."""
    yield from ("### What a provider's wire takes of a bridged request", "")
    heads = ("wire", "models", "what", "value", "what does not fit", "source")
    yield from _table(heads, map(_rule, RULES))
    yield from ("", "### What a generation of models takes", "")
    columns = ("generation", "thinks by", "efforts", "budget", "bound", "instructions", "samples", "custom tools")
    yield from _table(columns, map(_generation, PROFILES.values()))
    yield ""


def _rule(rule: Rule) -> list[str]:
    what, shaped = MEMBERS[rule.member]
    models = ", ".join(f"`{generation}`" for generation in rule.generations) or "all"
    return [DIALECTS[rule.dialect], models, what, _told(rule.value), shaped, f"<{rule.source}>"]


def _told(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Alphabet():
            return f"`{value.pattern}`"
        case tuple():
            return ", ".join(f"`{each}`" for each in value) or "none"
        case _:
            return str(value)


def _generation(profile: Profile) -> list[str]:
    least, most = profile.thinking_budget_tokens
    budget = f"{least} to {most}" if profile.thinking in {"budget", "either"} else ""
    always = " always" if profile.thinks_always else ""
    return [
        f"`{profile.name}`",
        (f"`{profile.switch}`" if profile.switch else profile.thinking) + always,
        ", ".join(profile.efforts),
        budget,
        f"`{profile.output_limit}`" if profile.hosted_as == "plain" and profile.thinking == "none" else "",
        profile.system_role,
        "no" if profile.fixed_sampling else "yes",
        "yes" if profile.custom_tools else "no",
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(heads)
    yield "|---" * len(heads) + "|"
    yield from map(_line, rows)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
