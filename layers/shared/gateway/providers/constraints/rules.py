"""The table: what each wire refuses, and what a model's generation refuses besides, each with where that is written.

A source is the vendor's document, or a public report with the refusal in the vendor's own words. How long an answer may
be is in the catalog, a model each; how a generation is asked to think is in `providers/chat/profiles.py`.
"""

from __future__ import annotations

from functools import cache

from gateway.providers.constraints.dialects import COMPATIBLE
from gateway.providers.constraints.table import Alphabet, Constraints, Rule, added_up

_LETTERS = "a-zA-Z0-9_-"
_JSON = ("json",)
_SCHEMA = ("schema",)
_COMBINING = ("oneOf", "anyOf", "allOf")
# A `minItems` of 0 and 1 alone.
_ENFORCED = (
    "$ref", "$defs", "definitions", "properties", "required", "items", "minItems", "anyOf", "allOf", "enum", "const",
    "type", "format", "default", "title", "description",
)  # fmt: skip
_ENFORCED_FORMATS = ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
_CLAUDES = ("claude_budget", "claude_either", "claude_adaptive")
_CLAUDES_WITHOUT_PREFILL = ("claude_either", "claude_adaptive")
_NOVAS = ("bedrock_nova", "bedrock_nova_2")
_OPENAI_REASONING = (
    "openai_gpt5",
    "openai_gpt5_1",
    "openai_gpt5_2",
    "openai_gpt5_2_chat",
    "openai_gpt5_codex",
    "openai_gpt5_pro",
    "openai_o",
)
_GEMINI_2 = ("gemini_2_flash", "gemini_2_5_flash", "gemini_2_5_flash_lite", "gemini_2_5_pro")
_GEMINI_WITHOUT_PENALTIES = (*_GEMINI_2[1:], "gemini_3_pro", "gemini_3_flash")

_GITHUB = "https://github.com"
_CHAT_REFERENCE = "https://platform.openai.com/docs/api-reference/chat/create"
_VISION = "https://platform.openai.com/docs/guides/images-vision#image-input-requirements"
_STRICT = "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas"
_JSON_MODE = "https://platform.openai.com/docs/guides/structured-outputs#json-mode"
_DEEPSEEK_CHAT = "https://api-docs.deepseek.com/api/create-chat-completion"
_MESSAGES = "https://docs.claude.com/en/api/messages"
_GENERATE = "https://ai.google.dev/api/generate-content#GenerationConfig"
_CONVERSE = "https://docs.aws.amazon.com/bedrock/latest/APIReference"
_CLAUDE_SCHEMAS = "https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations"
_BEDROCK_SCHEMAS = "https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html"
_ROOT_COMBINING = f"{_GITHUB}/langchain-ai/langchainjs/issues/9804"
_ROOT_PROPERTIES = f"{_GITHUB}/tailcallhq/forgecode/issues/1359"
_TOOLS_128 = f"{_GITHUB}/musistudio/claude-code-router/issues/686"
_ITEMS = f"{_GITHUB}/digitalocean-labs/mcp-digitalocean/issues/265"
_USER_64 = f"{_GITHUB}/maximhq/bifrost/pull/1000"
_PREFILL = f"{_GITHUB}/langchain-ai/deepagents/issues/1585"
_TRAILING_BLANKS = f"{_GITHUB}/tailcallhq/forgecode/issues/1872"
_MARKS_4 = f"{_GITHUB}/griffinmartin/opencode-claude-auth/issues/121"
_LIFETIMES = f"{_GITHUB}/cnighswonger/claude-code-cache-fix/issues/44"
_THOUGHT_FIRST = f"{_GITHUB}/Aider-AI/aider/issues/3820"
_CLAUDE_ROOT = f"{_GITHUB}/anthropics/claude-code/issues/5319"
_UNIQUE_NAMES = f"{_GITHUB}/XSpoonAi/spoon-core/pull/16"
_UNIQUE_IDS = f"{_GITHUB}/anthropics/claude-code/issues/28515"
_CLAUDE_ARGUMENTS = f"{_GITHUB}/ComposioHQ/composio/pull/3067"

_OPENAI_CHAT = (
    Rule("openai_chat", "bound_in_context", True, f"{_GITHUB}/gencay/vscode-chatgpt/issues/184"),
    Rule("openai_chat", "tool_name", Alphabet(_LETTERS, 64), f"{_GITHUB}/mrexodia/ida-pro-mcp/issues/129"),
    Rule("openai_chat", "call_id", Alphabet(r"\x20-\x7e", 40), f"{_GITHUB}/agno-agi/agno/issues/5382"),
    Rule(
        "openai_chat",
        "tool_root_refused",
        (*_COMBINING, "enum", "not"),
        _ROOT_COMBINING,
    ),
    Rule("openai_chat", "tools_max", 128, _TOOLS_128),
    # Reported until April 2025. The simulator lets longer ones pass, since today's agents send them on this wire.
    Rule("openai_chat", "tool_description_max", 1_024, f"{_GITHUB}/getsentry/sentry-mcp/issues/106"),
    Rule("openai_chat", "arrays_without_items", False, _ITEMS),
    Rule("openai_chat", "tool_root_without_properties", False, _ROOT_PROPERTIES),
    Rule("openai_chat", "strict_schemas_closed", True, _STRICT),
    Rule("openai_chat", "answer_root_any", False, _STRICT),
    Rule("openai_chat", "json_unsaid", False, _JSON_MODE),
    Rule("openai_chat", "answer_formats", _JSON, _STRICT, ("openai_gpt4_turbo",)),
    Rule("openai_chat", "answer_formats", (), _JSON_MODE, ("openai_gpt4",)),
    Rule("openai_chat", "stops_max", 4, f"{_CHAT_REFERENCE}#chat_create-stop"),
    Rule("openai_chat", "user_characters_max", 64, _USER_64),
    Rule("openai_chat", "image_types", ("image/png", "image/jpeg", "image/webp", "image/gif"), _VISION),
    Rule("openai_chat", "lacks", ("top_k",), _CHAT_REFERENCE),
    Rule(
        "openai_chat",
        "lacks",
        ("top_k", "stop", "presence_penalty", "frequency_penalty"),
        f"{_GITHUB}/huggingface/smolagents/issues/1671",
        _OPENAI_REASONING[:-1],
    ),
    Rule(
        "openai_chat",
        "lacks",
        ("top_k", "stop", "presence_penalty", "frequency_penalty", "parallel_tool_calls"),
        f"{_GITHUB}/run-llama/llama_index/issues/20865",
        ("openai_o",),
    ),
)

_OPENAI_RESPONSES = (
    Rule("openai_responses", "output_tokens_min", 16, f"{_GITHUB}/vectorize-io/hindsight/issues/58"),
    Rule("openai_responses", "tool_name", Alphabet(_LETTERS, 64), f"{_GITHUB}/packit/ai-workflows/pull/619"),
    Rule("openai_responses", "call_id", Alphabet(r"\x20-\x7e", 64), f"{_GITHUB}/decolua/9router/issues/393"),
    Rule("openai_responses", "tool_root_refused", (*_COMBINING, "enum", "not"), _ROOT_COMBINING),
    Rule("openai_responses", "arrays_without_items", False, _ITEMS),
    Rule("openai_responses", "tool_root_without_properties", False, _ROOT_PROPERTIES),
    Rule("openai_responses", "strict_schemas_closed", True, _STRICT),
    Rule("openai_responses", "answer_root_any", False, _STRICT),
    Rule("openai_responses", "json_unsaid", False, _JSON_MODE),
    Rule("openai_responses", "answer_formats", _JSON, _STRICT, ("openai_gpt4_turbo",)),
    Rule("openai_responses", "answer_formats", (), _JSON_MODE, ("openai_gpt4",)),
    Rule("openai_responses", "user_characters_max", 64, _USER_64),
    Rule("openai_responses", "image_types", ("image/png", "image/jpeg", "image/webp", "image/gif"), _VISION),
    Rule(
        "openai_responses",
        "lacks",
        ("top_k", "seed", "stop", "presence_penalty", "frequency_penalty"),
        "https://platform.openai.com/docs/api-reference/responses/create",
    ),
)

_DEEPSEEK = (
    Rule("deepseek", "bound_in_context", True, f"{_GITHUB}/musistudio/claude-code-router/issues/895"),
    Rule("deepseek", "tool_name", Alphabet(_LETTERS, 64), _DEEPSEEK_CHAT),
    Rule("deepseek", "tool_root_refused", (*_COMBINING, "enum", "not"), _ROOT_COMBINING),
    Rule("deepseek", "tools_max", 128, _DEEPSEEK_CHAT),
    Rule("deepseek", "tool_root_without_properties", False, f"{_GITHUB}/karakeep-app/karakeep/issues/1696"),
    Rule("deepseek", "answer_formats", _JSON, "https://api-docs.deepseek.com/guides/json_mode"),
    Rule("deepseek", "json_unsaid", False, "https://api-docs.deepseek.com/guides/json_mode"),
    Rule("deepseek", "stops_max", 16, _DEEPSEEK_CHAT),
    Rule("deepseek", "lacks", ("top_k",), _DEEPSEEK_CHAT),
)

_ANTHROPIC = (
    Rule(
        "anthropic_messages",
        "tool_name",
        Alphabet(_LETTERS, 128),
        f"{_GITHUB}/modelcontextprotocol/modelcontextprotocol/issues/1345",
    ),
    Rule("anthropic_messages", "tool_names_repeat", False, _UNIQUE_NAMES),
    Rule("anthropic_messages", "argument_name", Alphabet("a-zA-Z0-9_.-", 64), _CLAUDE_ARGUMENTS),
    Rule("anthropic_messages", "call_id", Alphabet(_LETTERS), _MESSAGES),
    Rule("anthropic_messages", "call_ids_repeat", False, _UNIQUE_IDS),
    Rule("anthropic_messages", "texts", "not blank", f"{_GITHUB}/anomalyco/opencode/issues/31259"),
    Rule("anthropic_messages", "instructions_between", False, f"{_MESSAGES}#body-system"),
    Rule("anthropic_messages", "closes_with_user", True, _PREFILL, _CLAUDES_WITHOUT_PREFILL),
    Rule("anthropic_messages", "closes_with_blank", False, _TRAILING_BLANKS),
    Rule("anthropic_messages", "thinks_from_answer", False, _THOUGHT_FIRST),
    Rule("anthropic_messages", "cache_marks_max", 4, _MARKS_4),
    Rule("anthropic_messages", "cache_lifetimes_rise", False, _LIFETIMES),
    Rule("anthropic_messages", "tool_root_refused", _COMBINING, _CLAUDE_ROOT),
    Rule(
        "anthropic_messages",
        "answer_formats",
        _SCHEMA,
        "https://docs.claude.com/en/docs/build-with-claude/structured-outputs",
    ),
    Rule("anthropic_messages", "schema_keywords", _ENFORCED, _CLAUDE_SCHEMAS),
    Rule("anthropic_messages", "schema_formats", _ENFORCED_FORMATS, _CLAUDE_SCHEMAS),
    Rule("anthropic_messages", "stops_blank", False, f"{_MESSAGES}#body-stop-sequences"),
    Rule("anthropic_messages", "temperature_max", 1.0, f"{_MESSAGES}#body-temperature"),
    Rule("anthropic_messages", "user_characters_max", 256, f"{_MESSAGES}#body-metadata"),
    Rule(
        "anthropic_messages",
        "image_types",
        ("image/jpeg", "image/png", "image/gif", "image/webp"),
        "https://docs.claude.com/en/docs/build-with-claude/vision",
    ),
    Rule("anthropic_messages", "lacks", ("seed", "presence_penalty", "frequency_penalty"), _MESSAGES),
)

_GEMINI = (
    Rule("gemini", "tool_name", Alphabet("a-zA-Z0-9_.:-", 64, first="a-zA-Z_"), f"{_GITHUB}/kaitranntt/ccs/issues/25"),
    Rule("gemini", "tool_names_repeat", False, f"{_GITHUB}/baguskto/threads-mcp/issues/1"),
    Rule("gemini", "texts", "not empty", f"{_GITHUB}/router-for-me/CLIProxyAPI/issues/1292"),
    Rule("gemini", "instructions_between", False, "https://ai.google.dev/api/generate-content#request-body"),
    Rule("gemini", "opens_with_user", True, f"{_GITHUB}/earendil-works/pi/issues/471"),
    Rule("gemini", "closes_with_user", True, f"{_GITHUB}/microsoft/semantic-kernel/pull/13288"),
    Rule(
        "gemini",
        "answer_format_with_tools",
        False,
        "https://ai.google.dev/gemini-api/docs/structured-output#structured_outputs_with_tools",
        _GEMINI_2,
    ),
    Rule("gemini", "stops_max", 5, _GENERATE),
    Rule("gemini", "seed_bits", 32, _GENERATE),
    Rule(
        "gemini",
        "image_types",
        ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"),
        "https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats",
    ),
    Rule("gemini", "lacks", ("parallel_tool_calls",), "https://ai.google.dev/api/caching#FunctionCallingConfig"),
    Rule(
        "gemini",
        "lacks",
        ("parallel_tool_calls", "presence_penalty", "frequency_penalty"),
        f"{_GITHUB}/google-gemini/cookbook/issues/1290",
        _GEMINI_WITHOUT_PENALTIES,
    ),
)

_BEDROCK = (
    Rule("bedrock_converse", "tool_name", Alphabet(_LETTERS, 64), f"{_CONVERSE}/API_runtime_ToolSpecification.html"),
    Rule("bedrock_converse", "tool_names_repeat", False, _UNIQUE_NAMES, _CLAUDES),
    Rule("bedrock_converse", "argument_name", Alphabet("a-zA-Z0-9_.-", 64), _CLAUDE_ARGUMENTS, _CLAUDES),
    Rule("bedrock_converse", "call_id", Alphabet("a-zA-Z0-9_.:-", 64), f"{_CONVERSE}/API_runtime_ToolUseBlock.html"),
    Rule("bedrock_converse", "call_ids_repeat", False, _UNIQUE_IDS, _CLAUDES),
    Rule("bedrock_converse", "texts", "not blank", f"{_GITHUB}/RooCodeInc/Roo-Code/pull/10728"),
    Rule("bedrock_converse", "instructions_between", False, f"{_CONVERSE}/API_runtime_Converse.html"),
    Rule("bedrock_converse", "opens_with_user", True, f"{_CONVERSE}/API_runtime_Message.html"),
    Rule("bedrock_converse", "closes_with_user", True, _PREFILL, _CLAUDES_WITHOUT_PREFILL),
    Rule("bedrock_converse", "closes_with_blank", False, _TRAILING_BLANKS, _CLAUDES),
    Rule("bedrock_converse", "thinks_from_answer", False, _THOUGHT_FIRST, _CLAUDES),
    Rule(
        "bedrock_converse",
        "cache_marks_max",
        4,
        "https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html#prompt-caching-models",
    ),
    Rule("bedrock_converse", "cache_lifetimes_rise", False, _LIFETIMES, _CLAUDES),
    Rule("bedrock_converse", "document_alone", False, f"{_GITHUB}/BerriAI/litellm/pull/36499"),
    Rule("bedrock_converse", "tool_root_refused", _COMBINING, _CLAUDE_ROOT, _CLAUDES),
    Rule(
        "bedrock_converse",
        "tool_root_only",
        ("type", "properties", "required"),
        "https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html",
        _NOVAS,
    ),
    Rule("bedrock_converse", "answer_formats", _SCHEMA, _BEDROCK_SCHEMAS),
    Rule("bedrock_converse", "schema_keywords", _ENFORCED, f"{_GITHUB}/vercel/ai/pull/17597"),
    Rule("bedrock_converse", "schema_formats", _ENFORCED_FORMATS, _BEDROCK_SCHEMAS),
    Rule("bedrock_converse", "stops_blank", False, f"{_CONVERSE}/API_runtime_InferenceConfiguration.html"),
    Rule("bedrock_converse", "temperature_max", 1.0, f"{_CONVERSE}/API_runtime_InferenceConfiguration.html"),
    Rule(
        "bedrock_converse",
        "image_types",
        ("image/png", "image/jpeg", "image/gif", "image/webp"),
        f"{_CONVERSE}/API_runtime_ImageBlock.html",
    ),
    Rule(
        "bedrock_converse",
        "lacks",
        ("seed", "presence_penalty", "frequency_penalty"),
        f"{_CONVERSE}/API_runtime_InferenceConfiguration.html",
    ),
)

RULES = _OPENAI_CHAT + _OPENAI_RESPONSES + _DEEPSEEK + COMPATIBLE + _ANTHROPIC + _GEMINI + _BEDROCK


@cache
def constraints_of(dialect: str, generation: str) -> Constraints:
    """Returns the constraints of a target with this dialect and generation (its profile's name)."""
    return added_up(RULES, dialect, generation)
