"""Tests of accounts' MCP servers: the client against the official package's server, and the tools in runs."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from threading import Thread
from typing import Any

import orjson
import pytest

from gateway.agents.tools.mcp import NOT_REGISTERED
from gateway.agents.tools.tool import Offer, Outside, name_called, name_in_calls
from gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from gateway.ports.mcp import McpResult, McpTool
from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.mcp import ANSWER_BYTES_MAX, SCHEMA_BYTES_MAX, McpClient, described
from gateway.untrusted.urls import PUBLIC_ONLY, Policy
from tests.agent_runs.harness import Place, Rows, call, place, say, scripted
from tests.environments import packages_with
from tests.fakes.mcp import ECHO, official_server
from tests.fakes.sandbox import LocalSandbox
from tests.hangs import HANGS_AFTER_S
from tests.transport.scripted_server import Peer, serving

pytestmark = pytest.mark.anyio
# An answer in one document or as events; with a session or without.
KINDS = ((), ("--json", "--stateless"))
CLIENT = McpClient(Fetcher(Policy(frozenset({"127.0.0.1"}))))


@pytest.fixture(scope="module", params=KINDS, ids=["events", "documents"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a server of the official package."""
    with official_server(*request.param) as found:
        yield found


def test_a_server_of_the_official_package_ends_with_a_block_that_raises() -> None:
    def raise_beside_it() -> None:
        with contextlib.suppress(ZeroDivisionError), official_server():
            raise ZeroDivisionError

    packages_with("mcp")  # Installing them may take longer than a server's end.
    # A thread that does not end fails the test, where waiting for it would hang.
    beside = Thread(target=raise_beside_it, daemon=True)
    beside.start()
    beside.join(HANGS_AFTER_S)
    assert not beside.is_alive()


async def test_a_server_of_the_official_package_is_asked_for_its_tools_and_called(url: str) -> None:
    tools = {tool.name: tool for tool in await CLIENT.tools(url, "", HANGS_AFTER_S)}
    assert (sorted(tools), tools["add"].description) == (["add", "fail", "whose"], "Adds two numbers.")
    assert tools["add"].parameters["required"] == ["a", "b"]
    added = await CLIENT.call(url, "", "add", {"a": 2, "b": 3}, "one", HANGS_AFTER_S)
    assert (added.text, added.failed) == ("5", False)
    whose = await CLIENT.call(url, "token-1", "whose", {}, "two", HANGS_AFTER_S)
    assert whose.text == "Bearer token-1"


@pytest.mark.parametrize(("tool", "arguments"), [("fail", {}), ("add", {"a": "x"})])
async def test_a_tool_that_fails_is_told_by_its_server_s_words(url: str, tool: str, arguments: dict[str, str]) -> None:
    result = await CLIENT.call(url, "", tool, arguments, "one", HANGS_AFTER_S)
    assert result.failed
    assert result.text.startswith("Error executing tool")


async def test_a_server_at_an_address_that_is_not_public_is_not_asked(url: str) -> None:
    with pytest.raises(InvalidRequest):
        await McpClient(Fetcher(PUBLIC_ONLY)).tools(url, "", HANGS_AFTER_S)


def told(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (told(b"no JSON"), "cannot be read"),
        (told(b"[]"), "cannot be read"),
        (told(b'{"jsonrpc": "2.0", "id": 7, "result": {}}'), "cannot be read"),
        (told(b'{"jsonrpc": "2.0", "id": 1, "result": []}'), "cannot be read"),
        (told(b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "not today"}}'), "refused: not today"),
        (told(b'data: {"id": 2}\n\n', "text/event-stream"), "cannot be read"),
        (told(b"", status="401 Unauthorized"), "status 401"),
        (told(b"", status="302 Found"), "status 302"),
        (told(b"x" * (ANSWER_BYTES_MAX + 1)), "larger than"),
        (b"", "cannot be reached"),
    ],
)
async def test_a_server_that_does_not_speak_the_protocol_is_an_upstream_error(answer: bytes, words: str) -> None:
    async def speak(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async with serving(speak) as server:
        with pytest.raises(UpstreamError, match=words):
            await CLIENT.tools(f"http://{server.origin.authority}/mcp", "", HANGS_AFTER_S)


def began(version: str = '"2025-06-18"', session: bytes | None = None) -> bytes:
    """The answer by which a server begins a session."""
    body = b'{"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": %b}}' % version.encode()
    answer = told(body)
    return answer if session is None else answer.replace(b"connection:", b"mcp-session-id: %b\r\nconnection:" % session)


@pytest.mark.parametrize(
    "begin",
    [
        began('"2025-06-18\\r\\nx: y"'),
        began('"2025-06-18\\n"'),
        began('"\u0662\u0660\u0662\u0665-06-18"'),
        began('"1"'),
        began(session=b"a b"),
        began(session="\u00e9".encode("latin-1")),
        began(session=b"x" * 1_001),
    ],
)
async def test_what_a_server_says_of_its_session_goes_into_no_header_unless_the_protocol_allows_it(
    begin: bytes,
) -> None:
    later: list[bytes] = []

    async def speak(peer: Peer) -> None:
        asked = await peer.request()
        later.extend([asked] if peer.number > 1 else [])
        await peer.send(begin)

    async with serving(speak) as server:
        with pytest.raises(UpstreamError, match="cannot be read") as refused:
            await CLIENT.tools(f"http://{server.origin.authority}/mcp", "", HANGS_AFTER_S)
    assert (refused.value.retryable, later) == (False, [])


async def test_a_session_is_named_in_each_later_request() -> None:
    later: list[bytes] = []

    async def speak(peer: Peer) -> None:
        asked = await peer.request()
        later.extend([asked] if peer.number > 1 else [])
        await peer.send(began(session=b"one~!") if peer.number == 1 else told(b'{"id": 2, "result": {"tools": []}}'))

    async with serving(speak) as server:
        assert await CLIENT.tools(f"http://{server.origin.authority}/mcp", "", HANGS_AFTER_S) == []
    assert [asked.split(b" ")[0] for asked in later] == [b"POST", b"POST", b"DELETE"]
    for asked in later:
        assert b"mcp-session-id: one~!\r\n" in asked
        assert b"mcp-protocol-version: 2025-06-18\r\n" in asked


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("levels", [230, 300])
async def test_an_answer_that_nests_deeper_than_it_could_be_written_again_cannot_be_read(
    kind: str, levels: int
) -> None:
    deep = '{"a": ' * levels + "1" + "}" * levels
    listed, called = (
        f'{{"tools": [{{"name": "deep", "inputSchema": {deep}}}]}}',
        f'{{"content": [], "structuredContent": {deep}}}',
    )

    async def speak(peer: Peer) -> None:
        asked = orjson.loads((await peer.request()).partition(b"\r\n\r\n")[2] or b"{}")
        result = called if asked.get("method") == "tools/call" else listed
        body = b'{"id": %d, "result": %b}' % (asked.get("id", 0), result.encode())
        if asked.get("id") == 1:
            await peer.send(began())
        else:
            await peer.send(told(body if kind == "application/json" else b"data: %b\n\n" % body, kind))

    async with serving(speak) as server:
        address = f"http://{server.origin.authority}/mcp"
        for ask in (
            partial(CLIENT.tools, address, "", HANGS_AFTER_S),
            partial(CLIENT.call, address, "", "deep", {}, "one", HANGS_AFTER_S),
        ):
            if levels < 240:
                assert await ask()
                continue
            with pytest.raises(UpstreamError, match="cannot be read"):
                await ask()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.request()

    async with serving(silent) as server:
        with pytest.raises(UpstreamTimeout):
            await CLIENT.tools(f"http://{server.origin.authority}/mcp", "", 0.2)


class Servers:
    """`McpCalls` that keeps what it was asked."""

    def __init__(self, result: McpResult) -> None:
        self.result = result
        self.asked: list[tuple[Any, ...]] = []

    async def call(
        self, account_id: str, server: str, tool: str, arguments: Mapping[str, Any], call_id: str
    ) -> McpResult:
        self.asked.append((account_id, server, tool, dict(arguments), call_id))
        return self.result


NAME = "mcp:wiki:echo"
SCRIPT = scripted(call("mcp__wiki__echo", text="hello"), say("Done."))
WIKI = Offer(has_search=True, mcp={NAME: ECHO, "mcp:wiki:more": McpTool("more")})


@pytest.mark.parametrize("names", [[NAME], ["mcp:wiki:*"]])
async def test_a_run_calls_a_tool_of_the_account_s_server(credentials: Rows, names: list[str]) -> None:
    servers = Servers(McpResult("hello"))
    async with place(credentials, outside=Outside(LocalSandbox(), mcp=servers), offer=WIKI) as home:
        view = await home.run(f"Say it. {SCRIPT}", tools=names)
    steps = view["steps"]
    assert [(step["tool_name"], step.get("tool_input")) for step in steps[:1]] == [(NAME, {"text": "hello"})]
    assert orjson.loads(steps[1]["tool_output"]) == {"result": "hello"}
    ((account, server, tool, arguments, call_id),) = servers.asked
    assert (account, server, tool, arguments) == ("acct_test", "wiki", "echo", {"text": "hello"})
    assert call_id.startswith(f"{view['id']}/step/1/")


async def test_a_tool_that_says_that_it_failed_is_an_error_for_the_model(credentials: Rows) -> None:
    outside = Outside(LocalSandbox(), mcp=Servers(McpResult("no such page", failed=True)))
    async with place(credentials, outside=outside, offer=WIKI) as home:
        view = await home.run(f"Say it. {SCRIPT}", tools=[NAME])
    assert view["steps"][1]["is_error"]
    assert orjson.loads(view["steps"][1]["tool_output"]) == {"error": "no such page"}


async def test_a_run_without_tools_named_has_none_of_servers(credentials: Rows) -> None:
    servers = Servers(McpResult("hello"))
    async with place(credentials, outside=Outside(LocalSandbox(), mcp=servers), offer=WIKI) as home:
        view = await home.run(f"Say it. {SCRIPT}")
    assert servers.asked == []
    assert f"no tool '{NAME}'" in view["steps"][1]["tool_output"]


async def test_a_tool_that_the_account_has_not_registered_is_not_offered_and_says_why(home: Place) -> None:
    view = await home.run(f"Say it. {SCRIPT}", tools=[NAME, "mcp:other:*", "list_models"])
    assert view["tools_not_offered"] == {NAME: NOT_REGISTERED, "mcp:other:*": NOT_REGISTERED}


async def test_at_the_second_level_a_call_of_a_server_waits_for_consent(credentials: Rows) -> None:
    servers = Servers(McpResult("hello"))
    async with place(credentials, outside=Outside(LocalSandbox(), mcp=servers), offer=WIKI) as home:
        view = await home.submit(f"Say it. {SCRIPT}", tools=[NAME], autonomy_level="L2")
        assert (view["status"], servers.asked) == ("awaiting_confirmation", [])
        await home.call("POST", f"/v1/tasks/{view['id']}/confirm")
        await home.executions.finished()
        assert (await home.get(view["id"]))["status"] == "succeeded"
    assert len(servers.asked) == 1


def test_names_in_calls_are_brought_back() -> None:
    for name in (NAME, "mcp:wiki:a__b", "memory_read"):
        assert name_called(name_in_calls(name)) == name
    assert name_in_calls("mcp:wiki:a__b") == "mcp__wiki__a__b"


def test_a_tool_with_a_schema_beyond_the_bound_or_without_a_name_is_left_out() -> None:
    large = {"type": "object", "description": "x" * SCHEMA_BYTES_MAX}
    rows = [{"name": "a", "inputSchema": {"type": "object"}}, {"name": "b", "inputSchema": large}, {"name": 1}, 2]
    assert [tool.name for tool in described({"tools": rows})] == ["a"]
