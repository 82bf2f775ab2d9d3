"""A server by the official `mcp` package, run as a program in an environment of its own: it prints its port.

Its tools: one adds, one fails, one says which token it was sent.
"""

import socket
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("tests")


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def fail() -> str:
    """Fails."""
    raise ValueError("the tool is broken")


async def whose(context: Context) -> str:
    """Says which token it was sent."""
    request = context.request_context.request
    return str(request.headers.get("authorization", "none"))


for tool in (add, fail, whose):
    server.add_tool(tool)
port = next((int(word.removeprefix("--port=")) for word in sys.argv if word.startswith("--port=")), 0)
listener = socket.create_server(("127.0.0.1", port))
print(listener.getsockname()[1], flush=True)  # noqa: T201  # read by the test
app = server.streamable_http_app(json_response="--json" in sys.argv, stateless_http="--stateless" in sys.argv)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
