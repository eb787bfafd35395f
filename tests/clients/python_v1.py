"""PyPI `mcp` 1.x, which knows the revisions with a handshake."""

import asyncio
import contextlib

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

from scenario import BINARY, ENVIRONMENT, FOLDER, TOKEN, URL, Report, admitted, bearer, cancelled, exchange


def streams(transport, token):
    if transport == "stdio":
        return stdio_client(StdioServerParameters(
            command=BINARY, args=["mcp", "--root", str(FOLDER)], env=ENVIRONMENT,
        ))
    if transport == "sse":
        return sse_client(f"{URL}/sse", headers=bearer(token))
    return streamablehttp_client(f"{URL}/mcp", headers=bearer(token))


@contextlib.asynccontextmanager
async def connect(transport, token=TOKEN):
    async with streams(transport, token) as (read, write, *_), ClientSession(read, write) as session:
        answer = await session.initialize()
        assert answer.serverInfo.name == "rag-memory" and answer.instructions, answer
        yield session


def references(template, prompt):
    return (
        types.ResourceTemplateReference(type="ref/resource", uri=template),
        types.PromptReference(type="ref/prompt", name=prompt),
    )


async def start_and_cancel(session, arguments):
    """Cancels by the notification, which this client leaves to its user."""
    begun = asyncio.Event()

    async def on_progress(done, total, message):
        begun.set()

    call = asyncio.create_task(session.call_tool("ingest_directory", arguments, progress_callback=on_progress))
    await begun.wait()
    # The client counts its requests and does not tell; this is the last one.
    request = session._request_id - 1
    await session.send_notification(types.ClientNotification(types.CancelledNotification(
        method="notifications/cancelled",
        params=types.CancelledNotificationParams(requestId=request, reason="enough"),
    )))
    call.cancel()


async def main():
    for transport in ["stdio", "sse", "http"]:
        report = Report("python-1", transport)
        if transport != "stdio":
            await admitted(report, lambda token: connect(transport, token))
        async with report.step("connect"), connect(transport) as session:
            await exchange(session, report, references)
            await cancelled(session, report, lambda arguments: start_and_cancel(session, arguments))


asyncio.run(main())
