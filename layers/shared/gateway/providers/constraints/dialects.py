"""The part of the table for providers that speak OpenAI's chat wire, and for Cohere: what they refuse, with the source.

`compatible` is what most of them refuse; the others have it as their base (`BASES` of `table`), and rows for what they
do differently.
"""

from __future__ import annotations

from gateway.providers.constraints.table import Alphabet, Rule

_GITHUB = "https://github.com"
_OPENAI = "https://platform.openai.com/docs/api-reference/chat/create"
_GROQ = "https://console.groq.com/docs/openai"
_MISTRAL = "https://docs.mistral.ai/api/endpoint/chat"
_CEREBRAS = "https://inference-docs.cerebras.ai/resources/openai"
_QWEN = "https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference"
_MOONSHOT = "https://platform.moonshot.ai/docs/api/chat"
_ZHIPU = "https://docs.z.ai/api-reference/llm/chat-completion"
_MINIMAX = "https://platform.minimax.io/docs/api-reference/text-openai-api"
_PERPLEXITY = "https://docs.perplexity.ai/api-reference/chat-completions-post"
_XAI_REASONING = "https://docs.x.ai/docs/guides/reasoning"
_COHERE = "https://docs.cohere.com/reference/chat"
_COHERE_SCHEMAS = "https://docs.cohere.com/docs/structured-outputs"
_ROOT = ("oneOf", "anyOf", "allOf", "enum", "not")
_JSON = ("json",)
# A name that every parser of tool calls of an open model reads.
_NAME = Alphabet("a-zA-Z0-9_-", 64)

COMPATIBLE = (
    Rule("compatible", "tool_name", _NAME, f"{_OPENAI}#chat_create-tools"),
    Rule("compatible", "tool_root_refused", _ROOT, f"{_GITHUB}/langchain-ai/langchainjs/issues/9804"),
    Rule("compatible", "tool_root_without_properties", False, f"{_GITHUB}/karakeep-app/karakeep/issues/1696"),
    Rule("compatible", "json_unsaid", False, "https://platform.openai.com/docs/guides/structured-outputs#json-mode"),
    Rule("compatible", "stops_max", 4, f"{_OPENAI}#chat_create-stop"),
    Rule("compatible", "lacks", ("top_k",), _OPENAI),
    Rule(
        "xai", "lacks", ("top_k", "stop", "presence_penalty", "frequency_penalty"), _XAI_REASONING,
        ("grok_reasoning", "grok_effort"),
    ),
    Rule("xai", "tools_max", 128, "https://docs.x.ai/docs/guides/function-calling"),
    Rule("groq", "tools_max", 128, "https://console.groq.com/docs/api-reference"),
    Rule("groq", "lacks", ("top_k", "logit_bias", "logprobs", "top_logprobs"), _GROQ),
    Rule("groq", "names_speakers", False, _GROQ),
    Rule("groq", "takes_thoughts", False, f"{_GITHUB}/janhq/jan/issues/8136"),
    Rule("groq", "answer_format_with_tools", False, f"{_GITHUB}/agno-agi/agno/issues/1065"),
    Rule("mistral", "call_id_digits", 9, f"{_GITHUB}/nearai/ironclaw/issues/1241"),
    Rule("mistral", "closes_with_user", True, f"{_GITHUB}/crewAIInc/crewAI/issues/2194"),
    Rule("mistral", "names_speakers", False, f"{_GITHUB}/nomtek/mistralai_client_dart/issues/44"),
    Rule("mistral", "takes_thoughts", False, f"{_GITHUB}/charmbracelet/crush/issues/1590"),
    Rule("mistral", "temperature_max", 1.5, _MISTRAL),
    Rule("mistral", "lacks", ("top_k", "logit_bias", "logprobs", "top_logprobs", "user"), _MISTRAL),
    Rule("cerebras", "lacks", ("top_k", "frequency_penalty", "presence_penalty", "logit_bias"), _CEREBRAS),
    Rule("cerebras", "takes_thoughts", False, f"{_GITHUB}/QwenLM/qwen-code/issues/11045"),
    Rule("cerebras", "temperature_max", 1.5, "https://inference-docs.cerebras.ai/api-reference/chat-completions"),
    Rule("perplexity", "instructions_between", False, _PERPLEXITY),
    Rule("perplexity", "opens_with_user", True, _PERPLEXITY),
    Rule("perplexity", "closes_with_user", True, _PERPLEXITY),
    Rule("perplexity", "answer_formats", ("schema",), "https://docs.perplexity.ai/guides/structured-outputs"),
    Rule("perplexity", "lacks", ("top_k", "seed", "logit_bias", "logprobs", "top_logprobs", "user"), _PERPLEXITY),
    Rule("qwen", "seed_bits", 32, _QWEN),
    Rule("qwen", "tool_choices_refused", ("required",), _QWEN),
    Rule("qwen", "lacks", ("top_k", "logit_bias", "user"), _QWEN),
    Rule("moonshot", "temperature_max", 1.0, _MOONSHOT),
    Rule("moonshot", "stops_max", 5, _MOONSHOT),
    Rule("moonshot", "tools_max", 128, _MOONSHOT),
    Rule("moonshot", "tool_choices_refused", ("required",), "https://platform.moonshot.ai/docs/guide/use-kimi-api"),
    Rule("moonshot", "lacks", ("top_k", "seed", "logit_bias", "logprobs", "top_logprobs", "user"), _MOONSHOT),
    Rule("cohere_chat", "tool_name", Alphabet("a-zA-Z0-9_-", 64), _COHERE),
    Rule("cohere_chat", "tool_root_refused", _ROOT, _COHERE_SCHEMAS),
    Rule("cohere_chat", "tool_root_without_properties", False, _COHERE_SCHEMAS),
    Rule("cohere_chat", "texts", "not empty", _COHERE),
    Rule("cohere_chat", "names_speakers", False, _COHERE),
    Rule("cohere_chat", "closes_with_user", True, _COHERE),
    Rule("cohere_chat", "answer_format_with_tools", False, _COHERE_SCHEMAS),
    Rule("cohere_chat", "stops_max", 5, _COHERE),
    Rule("cohere_chat", "temperature_max", 1.0, _COHERE),
    Rule(
        "cohere_chat", "lacks", ("parallel_tool_calls", "logit_bias", "logprobs", "top_logprobs", "user"), _COHERE,
    ),
    Rule("zhipu", "temperature_max", 1.0, _ZHIPU),
    Rule("zhipu", "stops_max", 1, _ZHIPU),
    Rule("zhipu", "tools_max", 128, _ZHIPU),
    Rule("zhipu", "tool_choices_refused", ("none", "required", "tool"), _ZHIPU),
    Rule("zhipu", "answer_formats", _JSON, _ZHIPU),
    Rule(
        "zhipu", "lacks",
        ("top_k", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
         "parallel_tool_calls", "user"),
        _ZHIPU,
    ),
    Rule("minimax", "temperature_max", 1.0, _MINIMAX),
    Rule("minimax", "answer_formats", (), _MINIMAX),
    Rule(
        "minimax", "lacks",
        ("top_k", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "user"),
        _MINIMAX,
    ),
)  # fmt: skip
