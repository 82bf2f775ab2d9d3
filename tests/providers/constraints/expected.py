"""The vendors' constraints, written a second time: by dialect, by first generation, and by member."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

_WORD = string.ascii_letters + string.digits + "_-"
_VISIBLE = "".join(chr(code) for code in range(32, 127))
_COMBINING = ("oneOf", "anyOf", "allOf")
_WIDE = (*_COMBINING, "enum", "not")
_ENFORCED = (
    "$ref", "$defs", "definitions", "properties", "required", "items", "minItems", "anyOf", "allOf", "enum", "const",
    "type", "format", "default", "title", "description",
)  # fmt: skip
_FORMATS = ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
_SEEN = ("image/png", "image/jpeg", "image/gif", "image/webp")

Told = Mapping[tuple[str, str], Any]

_OPENAI: Told = {
    ("", "tool_name"): (_WORD, None, 64),
    ("", "tool_root_refused"): _WIDE,
    ("", "tool_root_without_properties"): False,
    ("", "json_unsaid"): False,
}
_OF_OPENAI: Told = {
    ("", "arrays_without_items"): False,
    ("", "strict_schemas_closed"): True,
    ("", "answer_root_any"): False,
    ("openai_gpt4_turbo", "answer_formats"): ("json",),
    ("openai_gpt4", "answer_formats"): (),
    ("", "user_characters_max"): 64,
    ("", "image_types"): _SEEN,
}
_WEIGHED = ("logit_bias", "logprobs", "top_logprobs")
_PENALTIES = ("presence_penalty", "frequency_penalty")
EXPECTED: Mapping[str, Told] = {
    "openai_chat": {
        **_OPENAI,
        **_OF_OPENAI,
        ("", "bound_in_context"): True,
        ("", "tools_max"): 128,
        ("", "tool_description_max"): 1_024,
        ("", "call_id"): (_VISIBLE, None, 40),
        ("", "stops_max"): 4,
        ("", "lacks"): ("top_k",),
        ("openai_gpt5", "lacks"): ("top_k", "stop", "presence_penalty", "frequency_penalty"),
        ("openai_o", "lacks"): ("top_k", "stop", "presence_penalty", "frequency_penalty", "parallel_tool_calls"),
    },
    "openai_responses": {
        **_OPENAI,
        **_OF_OPENAI,
        ("", "output_tokens_min"): 16,
        ("", "call_id"): (_VISIBLE, None, 64),
        ("", "lacks"): ("top_k", "seed", "stop", "presence_penalty", "frequency_penalty"),
    },
    "deepseek": {
        **_OPENAI,
        ("", "bound_in_context"): True,
        ("", "tools_max"): 128,
        ("", "answer_formats"): ("json",),
        ("", "stops_max"): 16,
        ("", "lacks"): ("top_k",),
    },
    "compatible": {**_OPENAI, ("", "stops_max"): 4, ("", "lacks"): ("top_k",)},
    "xai": {
        ("", "tools_max"): 128,
        ("grok_reasoning", "lacks"): ("top_k", "stop", "presence_penalty", "frequency_penalty"),
    },
    "groq": {
        ("", "tools_max"): 128,
        ("", "names_speakers"): False,
        ("", "takes_thoughts"): False,
        ("", "answer_format_with_tools"): False,
        ("", "lacks"): ("top_k", *_WEIGHED),
    },
    "mistral": {
        ("", "call_id_digits"): 9,
        ("", "closes_with_user"): True,
        ("", "names_speakers"): False,
        ("", "takes_thoughts"): False,
        ("", "temperature_max"): 1.5,
        ("", "lacks"): ("top_k", *_WEIGHED, "user"),
    },
    "cerebras": {
        ("", "takes_thoughts"): False,
        ("", "temperature_max"): 1.5,
        ("", "lacks"): ("top_k", "frequency_penalty", "presence_penalty", "logit_bias"),
    },
    "cohere_chat": {
        ("", "tool_name"): (_WORD, None, 64),
        ("", "tool_root_refused"): _WIDE,
        ("", "tool_root_without_properties"): False,
        ("", "texts"): "not empty",
        ("", "names_speakers"): False,
        ("", "closes_with_user"): True,
        ("", "answer_format_with_tools"): False,
        ("", "stops_max"): 5,
        ("", "temperature_max"): 1.0,
        ("", "lacks"): ("parallel_tool_calls", *_WEIGHED, "user"),
    },
    "perplexity": {
        ("", "instructions_between"): False,
        ("", "opens_with_user"): True,
        ("", "closes_with_user"): True,
        ("", "answer_formats"): ("schema",),
        ("", "lacks"): ("top_k", "seed", *_WEIGHED, "user"),
    },
    "qwen": {
        ("", "seed_bits"): 32,
        ("", "tool_choices_refused"): ("required",),
        ("", "lacks"): ("top_k", "logit_bias", "user"),
    },
    "moonshot": {
        ("", "temperature_max"): 1.0,
        ("", "stops_max"): 5,
        ("", "tools_max"): 128,
        ("", "tool_choices_refused"): ("required",),
        ("", "lacks"): ("top_k", "seed", *_WEIGHED, "user"),
    },
    "zhipu": {
        ("", "temperature_max"): 1.0,
        ("", "stops_max"): 1,
        ("", "tools_max"): 128,
        ("", "tool_choices_refused"): ("none", "required", "tool"),
        ("", "answer_formats"): ("json",),
        ("", "lacks"): ("top_k", "seed", *_PENALTIES, *_WEIGHED, "parallel_tool_calls", "user"),
    },
    "minimax": {
        ("", "temperature_max"): 1.0,
        ("", "answer_formats"): (),
        ("", "lacks"): ("top_k", "seed", *_PENALTIES, *_WEIGHED, "user"),
    },
    "anthropic_messages": {
        ("", "tool_name"): (_WORD, None, 128),
        ("", "tool_names_repeat"): False,
        ("", "argument_name"): (_WORD + ".", None, 64),
        ("", "call_id"): (_WORD, None, None),
        ("", "call_ids_repeat"): False,
        ("", "texts"): "not blank",
        ("", "instructions_between"): False,
        ("claude_either", "closes_with_user"): True,
        ("", "closes_with_blank"): False,
        ("", "thinks_from_answer"): False,
        ("", "cache_marks_max"): 4,
        ("", "cache_lifetimes_rise"): False,
        ("", "tool_root_refused"): _COMBINING,
        ("", "answer_formats"): ("schema",),
        ("", "schema_keywords"): _ENFORCED,
        ("", "schema_formats"): _FORMATS,
        ("", "stops_blank"): False,
        ("", "temperature_max"): 1.0,
        ("", "user_characters_max"): 256,
        ("", "image_types"): _SEEN,
        ("", "lacks"): ("seed", "presence_penalty", "frequency_penalty"),
    },
    "gemini": {
        ("", "tool_name"): (_WORD + ".:", string.ascii_letters + "_", 64),
        ("", "tool_names_repeat"): False,
        ("", "texts"): "not empty",
        ("", "instructions_between"): False,
        ("", "opens_with_user"): True,
        ("", "closes_with_user"): True,
        ("gemini_2_flash", "answer_format_with_tools"): False,
        ("", "stops_max"): 5,
        ("", "seed_bits"): 32,
        ("", "image_types"): ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"),
        ("", "lacks"): ("parallel_tool_calls",),
        ("gemini_2_5_flash", "lacks"): ("parallel_tool_calls", "presence_penalty", "frequency_penalty"),
    },
    "bedrock_converse": {
        ("", "tool_name"): (_WORD, None, 64),
        ("claude_budget", "tool_names_repeat"): False,
        ("claude_budget", "argument_name"): (_WORD + ".", None, 64),
        ("", "call_id"): (_WORD + ".:", None, 64),
        ("claude_budget", "call_ids_repeat"): False,
        ("", "texts"): "not blank",
        ("", "instructions_between"): False,
        ("", "opens_with_user"): True,
        ("claude_either", "closes_with_user"): True,
        ("claude_budget", "closes_with_blank"): False,
        ("claude_budget", "thinks_from_answer"): False,
        ("", "cache_marks_max"): 4,
        ("claude_budget", "cache_lifetimes_rise"): False,
        ("", "document_alone"): False,
        ("claude_budget", "tool_root_refused"): _COMBINING,
        ("bedrock_nova", "tool_root_only"): ("type", "properties", "required"),
        ("", "answer_formats"): ("schema",),
        ("", "schema_keywords"): _ENFORCED,
        ("", "schema_formats"): _FORMATS,
        ("", "stops_blank"): False,
        ("", "temperature_max"): 1.0,
        ("", "image_types"): _SEEN,
        ("", "lacks"): ("seed", "presence_penalty", "frequency_penalty"),
    },
}

_CLAUDES = ("claude_budget", "claude_either", "claude_adaptive")
_WITHOUT_PREFILL = ("claude_either", "claude_adaptive")
_FLASHES = ("gemini_2_5_flash", "gemini_2_5_flash_lite", "gemini_2_5_pro")

# The generations of each row that is not told of all: by dialect, by first generation, and by member.
GENERATIONS: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("openai_chat", "openai_gpt4_turbo", "answer_formats"): ("openai_gpt4_turbo",),
    ("openai_chat", "openai_gpt4", "answer_formats"): ("openai_gpt4",),
    ("openai_chat", "openai_gpt5", "lacks"): (
        "openai_gpt5",
        "openai_gpt5_1",
        "openai_gpt5_2",
        "openai_gpt5_2_chat",
        "openai_gpt5_codex",
        "openai_gpt5_pro",
    ),
    ("openai_chat", "openai_o", "lacks"): ("openai_o",),
    ("openai_responses", "openai_gpt4_turbo", "answer_formats"): ("openai_gpt4_turbo",),
    ("openai_responses", "openai_gpt4", "answer_formats"): ("openai_gpt4",),
    ("xai", "grok_reasoning", "lacks"): ("grok_reasoning", "grok_effort"),
    ("anthropic_messages", "claude_either", "closes_with_user"): _WITHOUT_PREFILL,
    ("gemini", "gemini_2_flash", "answer_format_with_tools"): ("gemini_2_flash", *_FLASHES),
    ("gemini", "gemini_2_5_flash", "lacks"): (*_FLASHES, "gemini_3_pro", "gemini_3_flash"),
    ("bedrock_converse", "claude_budget", "tool_names_repeat"): _CLAUDES,
    ("bedrock_converse", "claude_budget", "argument_name"): _CLAUDES,
    ("bedrock_converse", "claude_budget", "call_ids_repeat"): _CLAUDES,
    ("bedrock_converse", "claude_budget", "thinks_from_answer"): _CLAUDES,
    ("bedrock_converse", "claude_budget", "cache_lifetimes_rise"): _CLAUDES,
    ("bedrock_converse", "claude_either", "closes_with_user"): _WITHOUT_PREFILL,
    ("bedrock_converse", "claude_budget", "closes_with_blank"): _CLAUDES,
    ("bedrock_converse", "claude_budget", "tool_root_refused"): _CLAUDES,
    ("bedrock_converse", "bedrock_nova", "tool_root_only"): ("bedrock_nova", "bedrock_nova_2"),
}

# What a generation is, where it is not a plain one.
_REASONS: Mapping[str, Any] = {
    "fixed_sampling": True,
    "system_role": "developer",
    "output_limit": "max_completion_tokens",
}
_GPT5: Mapping[str, Any] = {**_REASONS, "custom_tools": True}
_CLAUDE: Mapping[str, Any] = {"hosted_as": "claude", "reasons_when_asked": True, "whole_answer_tokens_max": 21_333}
_THREE = ("low", "medium", "high")
GENERATION: Mapping[str, Mapping[str, Any]] = {
    "openai_gpt": {},
    "openai_gpt4_turbo": {},
    "openai_gpt4": {},
    "openai_gpt5": {**_GPT5, "efforts": ("minimal", *_THREE)},
    "openai_gpt5_1": {**_GPT5, "efforts": ("none", *_THREE)},
    "openai_gpt5_2": {**_GPT5, "efforts": ("none", *_THREE, "xhigh")},
    "openai_gpt5_2_chat": {**_GPT5, "efforts": ("medium",)},
    "openai_gpt5_codex": {**_GPT5, "efforts": _THREE},
    "openai_gpt5_pro": {**_GPT5, "efforts": ("high",)},
    "openai_o": {**_REASONS, "efforts": _THREE},
    "claude_budget": {**_CLAUDE, "thinking": "budget", "thinking_budget_tokens": (1_024, 127_999), "prefill": True},
    "claude_either": {
        **_CLAUDE,
        "thinking": "either",
        "thinking_budget_tokens": (1_024, 127_999),
        "efforts": (*_THREE, "max"),
    },
    "claude_adaptive": {
        **_CLAUDE,
        "fixed_sampling": True,
        "thinking": "adaptive",
        "efforts": (*_THREE, "xhigh", "max"),
    },
    "gemini_2_flash": {},
    "gemini_2_5_flash": {"thinking": "budget", "thinking_budget_tokens": (1, 24_576)},
    "gemini_2_5_flash_lite": {"thinking": "budget", "thinking_budget_tokens": (512, 24_576)},
    "gemini_2_5_pro": {"thinking": "budget", "thinking_budget_tokens": (128, 32_768), "thinks_always": True},
    "gemini_3_pro": {"thinking": "effort", "efforts": ("low", "high"), "thinks_always": True, "signed_calls": True},
    "gemini_3_flash": {
        "thinking": "effort",
        "efforts": ("minimal", *_THREE),
        "thinks_always": True,
        "signed_calls": True,
    },
    "deepseek": {},
    "deepseek_hybrid": {"switch": "thinking"},
    "grok": {},
    "grok_reasoning": {"thinks_always": True},
    "grok_effort": {"efforts": ("low", "high"), "thinks_always": True},
    "mistral": {},
    "mistral_reasoning": {"thinks_always": True},
    "mistral_effort": {"efforts": ("none", "high")},
    "llama": {},
    "gpt_oss": {"efforts": _THREE, "thinks_always": True},
    "qwen": {},
    "qwen_hybrid": {"switch": "enable_thinking"},
    "qwen_reasoning": {"thinks_always": True},
    "kimi": {},
    "kimi_hybrid": {"switch": "thinking"},
    "kimi_reasoning": {"thinks_always": True},
    "glm": {},
    "glm_hybrid": {"switch": "thinking"},
    "minimax": {"thinks_always": True},
    "sonar": {},
    "sonar_reasoning": {"efforts": ("minimal", *_THREE), "thinks_always": True},
    "command": {},
    "command_reasoning": {"thinking": "budget", "thinking_budget_tokens": (1, 32_000)},
    "compatible": {},
    "compatible_effort": {"efforts": _THREE},
    "bedrock_plain": {},
    "bedrock_nova": {"hosted_as": "nova"},
    "bedrock_nova_2": {"hosted_as": "nova", "thinking": "effort", "efforts": _THREE},
    "bedrock_gpt_oss": {"hosted_as": "gpt_oss", "thinking": "effort", "efforts": _THREE, "thinks_always": True},
}
