"""Tests that LangChain's standard suites pass in their own environment. Every excluded case has its reason here."""

import re

from tests.environments import ROOT, python_with, run
from tests.stack.conftest import Stack

SUITES = "tests/stack/langchain_suites.py"

# Cases that are not run.
LEFT_OUT = {
    # Text and the first call both have index 0 on Chat Completions, and LangChain's `output_version="v1"` merges them
    # into one block. Claude writes a text before its calls; OpenAI's own models would have the same problem.
    "TestChatAnthropic::test_tool_calling[model1]": "LangChain merges text with the call after it",
    "TestChatBedrock::test_tool_calling[model1]": "LangChain merges text with the call after it",
    # Compares a client object with a file that LangChain keeps. It sends no request.
    "TestChatUnit::test_serdes": "needs LangChain's own snapshots",
    "TestResponsesUnit::test_serdes": "needs LangChain's own snapshots",
    "TestMessagesUnit::test_serdes": "needs LangChain's own snapshots",
}
# Cases that the suites themselves skip, by the reason they give: features that a client, a wire or a model lacks.
SKIPPED = {
    "Model does not explicitly support Anthropic inputs.": 8,  # all clients but Anthropic's own
    "Model does not support audio inputs.": 10,  # Gemini hears, through Chat Completions
    "Model does not support PDF inputs.": 1,  # DeepSeek neither sees nor reads
    "Model does not support PDF tool message.": 1,
    "Model does not support image message.": 1,
    "Model does not support image tool message.": 1,
    # Anthropic's client has no JSON mode. Claude gets it as an instruction, which a simulated one does not follow, and
    # on Bedrock it is refused (docs/bridging.md).
    "Test requires json mode support.": 6,
    "VCR not set up.": 11,  # replays a recording of a stream's time
    "init_from_env_params not specified.": 3,  # about a client object only
}


def test_langchains_standard_suites_pass(stack: Stack) -> None:
    command = [python_with("langchain"), "-m", "pytest", SUITES, "-q", "-rs", "--tb=short"]
    # Ignores this repository's pytest settings, which name plugins and modules of the other environment.
    alone = ["-c", "/dev/null", "--rootdir", str(ROOT), "--noconftest", "-p", "no:cacheprovider"]
    alone += ["--benchmark-disable", "--benchmark-storage=file://.cache/benchmarks"]
    # LangChain keeps one asynchronous HTTP client per base URL, so all cases share its loop.
    loops = ["--asyncio-mode=auto", "-o", "asyncio_default_test_loop_scope=session"]
    # The clients try three times, so that a broken stack would take minutes to fail every case.
    few = ["--maxfail=10"]
    left_out = [f"--deselect={SUITES}::{case}" for case in LEFT_OUT]
    told = run(
        [*command, *alone, *loops, *few, *left_out],
        ROOT,
        OPENAI_API_BASE=stack.base_url,
        OPENAI_API_KEY=stack.api_key,
        ANTHROPIC_API_URL=stack.root_url,
        ANTHROPIC_API_KEY=stack.api_key,
        LANGSMITH_TRACING="false",
        PYTHONDONTWRITEBYTECODE="1",
    ).decode()
    skipped = {reason: int(count) for count, reason in re.findall(r"^SKIPPED \[(\d+)\] \S+: (.+)$", told, re.MULTILINE)}
    assert skipped == SKIPPED
    assert f" passed, {sum(SKIPPED.values())} skipped, {len(LEFT_OUT)} deselected" in told
