"""A canonical request as Converse's body, which is ConverseStream's too; the model's name is in the path.

No caller speaks this wire, so the body is always built anew. What it cannot express is refused by name; what may be
left out, each with a test, is: with families that have none, top_k, unless the caller requires every parameter; the
user's label and metadata, which are for a provider's records; sampling that a model does not take, or not together with
thinking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.canonical.request import ChatRequest, OutputFormat, Sampling, unbridged
from gateway.canonical.target import Target
from gateway.protocols.bedrock_converse.answer import STOP_SEQUENCE_POINTER
from gateway.protocols.bedrock_converse.encode_messages import encode_messages
from gateway.protocols.bedrock_converse.encode_thinking import ThinkingRequest, encode_thinking
from gateway.protocols.bedrock_converse.encode_tools import encode_tools
from gateway.protocols.bedrock_converse.families import FAMILIES, Family
from gateway.protocols.shared.inexpressible import inexpressible_parameter

# https://docs.claude.com/en/docs/build-with-claude/extended-thinking#feature-compatibility
_TOP_P_MIN_WITH_THINKING = 0.95


def encode_request(request: ChatRequest, target: Target) -> bytes:
    """The body for `target`; raises `InvalidRequest` naming what the wire or the model cannot take."""
    family = FAMILIES[target.profile.hosted_as]
    _refuse_inexpressible(request, family)
    asked = encode_thinking(request, target)
    system, messages = encode_messages(request.messages, target.profile, family)
    tools = encode_tools(request, family)
    body = {
        "messages": messages,
        "system": system,
        "inferenceConfig": _inference(request, target, asked, family),
        "toolConfig": tools.config,
        "additionalModelRequestFields": _model_fields(request.sampling, asked, family) | dict(tools.fields),
        "additionalModelResponseFieldPaths": _told_besides(request.sampling, family),
        "outputConfig": _output(request.output_format, asked),
    }
    return orjson.dumps({name: value for name, value in body.items() if value})


def _refuse_inexpressible(request: ChatRequest, family: Family) -> None:
    """Raises for what would change the answer, and for hints too where the caller requires every parameter."""
    for path in unbridged(request):
        raise inexpressible_parameter(path)
    sampling = request.sampling
    given: dict[str, object] = {
        "n": request.choices > 1,
        "logprobs": sampling.logprobs,
        "logit_bias": sampling.logit_bias,
    }
    if request.routing.require_parameters:
        given |= {
            "top_k": sampling.top_k is not None and family.top_k is None,
            "top_p": not family.draws_freely and sampling.top_p is not None and sampling.temperature is not None,
        }
    for path, is_given in given.items():
        if is_given:
            raise inexpressible_parameter(path)


def _inference(request: ChatRequest, target: Target, asked: ThinkingRequest, family: Family) -> Mapping[str, Any]:
    """The temperature goes before top_p where only one may be given."""
    sampling = request.sampling
    temperature, top_p = sampling.temperature, sampling.top_p
    if target.profile.fixed_sampling:
        temperature = top_p = None
    if asked.thinks and not family.thinks_freely:
        temperature = None
        top_p = top_p if top_p is not None and top_p >= _TOP_P_MIN_WITH_THINKING else None
    if temperature is not None and not family.draws_freely:
        top_p = None
    values = {
        "maxTokens": asked.max_tokens or request.max_output_tokens,
        "temperature": temperature,
        "topP": top_p,
        "stopSequences": list(sampling.stop) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _model_fields(sampling: Sampling, asked: ThinkingRequest, family: Family) -> dict[str, Any]:
    fields = dict(asked.fields)
    if sampling.top_k is not None and family.top_k is not None and not asked.thinks:
        fields |= family.top_k(sampling.top_k)
    return fields


def _told_besides(sampling: Sampling, family: Family) -> list[str]:
    return [STOP_SEQUENCE_POINTER] if sampling.stop and family.tells_stop else []


def _output(wanted: OutputFormat | None, asked: ThinkingRequest) -> Mapping[str, Any]:
    output: dict[str, Any] = {}
    if wanted is not None and wanted.kind == "schema":
        output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": _json_schema(wanted)}}
    if asked.effort is not None:
        output["effort"] = asked.effort
    return output


def _json_schema(wanted: OutputFormat) -> Mapping[str, str]:
    """The schema travels as text."""
    values = {
        "schema": orjson.dumps(wanted.schema or {}).decode(),
        "name": wanted.name,
        "description": wanted.description,
    }
    return {name: value for name, value in values.items() if value}
