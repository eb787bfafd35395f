"""PyPI `mcp` 2.x, which negotiates 2026-07-28 and knows what came before."""

import asyncio
import contextlib

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference, ResourceTemplateReference

from scenario import BINARY, ENVIRONMENT, FOLDER, TOKEN, URL, Report, admitted, bearer, cancelled, exchange

SERVER = StdioServerParameters(command=BINARY, args=["mcp", "--root", str(FOLDER)], env=ENVIRONMENT)


def sse(token):
    return sse_client(f"{URL}/sse", headers=bearer(token))


@contextlib.asynccontextmanager
async def http(token):
    # A client that is given the address alone sends no headers of its user.
    async with (
        httpx2.AsyncClient(headers=bearer(token), timeout=60) as client,
        streamable_http_client(f"{URL}/mcp", http_client=client) as streams,
    ):
        yield streams


def references(template, prompt):
    return ResourceTemplateReference(uri=template), PromptReference(name=prompt)


async def start_and_cancel(session, arguments):
    begun = asyncio.Event()

    async def on_progress(done, total, message):
        begun.set()

    call = asyncio.create_task(session.call_tool("ingest_directory", arguments, progress_callback=on_progress))
    await begun.wait()
    call.cancel()


async def main():
    ways = [
        ("stdio", lambda token: SERVER, "auto", "2026-07-28"),
        ("stdio-legacy", lambda token: SERVER, "legacy", "2025-11-25"),
        ("sse", sse, "legacy", "2025-11-25"),
        ("http", http, "auto", "2026-07-28"),
        ("http-legacy", http, "legacy", "2025-11-25"),
    ]
    for transport, target, mode, version in ways:
        report = Report("python-2", transport)
        if not transport.startswith("stdio"):
            await admitted(report, lambda token: Client(target(token), mode=mode))
        async with report.step("connect"), Client(target(TOKEN), mode=mode) as session:
            assert session.protocol_version == version, session.protocol_version
            assert session.server_info.name == "rag-memory" and session.instructions
            await exchange(session, report, references)
            await cancelled(session, report, lambda arguments: start_and_cancel(session, arguments))


asyncio.run(main())
