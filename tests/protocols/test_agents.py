"""Tests that every model can be asked what terminal agents send, as recorded except for long texts.

`tests/golden/agents` holds the second turn of a session each: a question, a model's call, its result.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec
from gateway.errors import InvalidRequest
from gateway.protocols import anthropic_messages, openai_chat, openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from tests.bridging.cells import TARGETS, UPSTREAMS

AGENTS = Path(__file__).parents[1] / "golden/agents"
CLIENTS: Mapping[str, ClientCodec] = {
    "claude_code": anthropic_messages.CLIENT,
    "cline": anthropic_messages.CLIENT,
    "codex": openai_responses.CLIENT,
    "codex_free_text": openai_responses.CLIENT,
    "gemini_cli": GeminiClient(Address("m", "streamGenerateContent")),
    "llm": openai_responses.CLIENT,
    "opencode": openai_chat.CLIENT,
    "qwen_code": openai_chat.CLIENT,
}
FOREIGN = sorted(UPSTREAMS.keys() - {"openai_responses"})
each_agent = pytest.mark.parametrize("agent", sorted(CLIENTS))
each_foreign = pytest.mark.parametrize("upstream", FOREIGN)


def session(agent: str) -> Any:
    return orjson.loads((AGENTS / f"{agent}.json").read_bytes())


def sent(agent: str, upstream: str, **changes: Any) -> bytes:
    """Returns the provider's body for an agent's request."""
    request = CLIENTS[agent].decode_request(orjson.dumps(session(agent) | changes))
    return UPSTREAMS[upstream].encode_request(request, TARGETS[upstream])


def named_tools(value: Any) -> list[str]:
    """Lists the names under `tools`, at any depth."""
    match value:
        case list():
            return [name for each in value for name in named_tools(each)]
        case {"name": str(name)}:
            return [name]
        case dict():
            return [name for each in value.values() for name in named_tools(each)]
        case _:
            return []


@each_agent
@pytest.mark.parametrize("upstream", sorted(UPSTREAMS))
def test_what_an_agent_sends_is_refused_on_no_wire(agent: str, upstream: str) -> None:
    assert b"echo hello > hello.txt" in sent(agent, upstream)


@pytest.mark.parametrize(
    ("agent", "names"),
    [
        ("claude_code", ["Agent", "Bash", "Read", "Skill"]),
        ("cline", ["read_files", "run_commands", "apply_patch", "ask_question"]),
        (
            "codex",
            [
                "exec_command",
                "write_stdin",
                "request_user_input",
                "view_image",
                "multi_agent_v1__close_agent",
                "multi_agent_v1__resume_agent",
            ],
        ),
        ("codex_free_text", ["exec_command", "write_stdin", "request_user_input", "apply_patch", "view_image"]),
        ("gemini_cli", ["read_file", "glob", "replace", "run_shell_command"]),
        ("llm", ["shell"]),
        ("opencode", ["bash", "edit", "glob", "task", "todowrite"]),
        ("qwen_code", ["edit", "glob", "run_shell_command", "tool_search", "write_file"]),
    ],
)
@pytest.mark.parametrize("upstream", ["bedrock_converse", "openai_chat"])
def test_an_agents_own_tools_are_offered_to_any_model(agent: str, names: list[str], upstream: str) -> None:
    body = orjson.loads(sent(agent, upstream))
    assert named_tools(body.get("tools") or body["toolConfig"]["tools"]) == names


@each_foreign
@pytest.mark.parametrize("agent", ["codex", "codex_free_text"])
def test_codexs_searches_stay_behind(agent: str, upstream: str) -> None:
    body = sent(agent, upstream)
    assert (b"web_search" in body, b"tool_search" in body) == (False, False)


@each_foreign
def test_a_search_that_stands_alone_is_refused_by_its_place(upstream: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sent("codex", upstream, tools=[{"type": "web_search"}])
    assert refusal.value.param == "tools[0]"


@each_foreign
def test_a_search_that_is_chosen_is_refused(upstream: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sent("codex", upstream, tool_choice={"type": "web_search"})
    assert refusal.value.param == "tool_choice"


@each_foreign
@pytest.mark.parametrize(
    ("changes", "param"),
    [({}, "text.verbosity"), ({"text": None}, "tools[5]"), ({"text": {"verbosity": "medium"}}, "tools[5]")],
)
def test_a_caller_who_requires_every_parameter_is_told_what_would_stay_behind(
    upstream: str, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sent("codex_free_text", upstream, provider={"require_parameters": True}, **changes)
    assert refusal.value.param == param
