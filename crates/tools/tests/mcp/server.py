"""A real MCP server, made with the protocol's official SDK. Says its port on standard output."""

import socket
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("desk")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def add(first: int, second: int) -> int:
    """Adds two numbers."""
    return first + second


@server.tool()
def fail(reason: str) -> str:
    """Says no."""
    raise ValueError(f"not today: {reason}")


@server.tool()
async def slow() -> str:
    """Takes longer than anybody waits."""
    import asyncio

    await asyncio.sleep(30)
    return "late"


json_answers = "json" in sys.argv
app = server.streamable_http_app(json_response=json_answers)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
