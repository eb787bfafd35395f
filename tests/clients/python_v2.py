"""PyPI `mcp` 2.x, which negotiates 2026-07-28 and knows what came before."""

import asyncio

from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.types import PromptReference, ResourceTemplateReference

from scenario import BINARY, ENVIRONMENT, FOLDER, URL, Report, cancelled, exchange

SERVER = StdioServerParameters(command=BINARY, args=["mcp", "--root", str(FOLDER)], env=ENVIRONMENT)


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
        ("stdio", lambda: SERVER, "auto", "2026-07-28"),
        ("stdio-legacy", lambda: SERVER, "legacy", "2025-11-25"),
        ("sse", lambda: sse_client(f"{URL}/sse"), "legacy", "2025-11-25"),
        ("http", lambda: f"{URL}/mcp", "auto", "2026-07-28"),
        ("http-legacy", lambda: f"{URL}/mcp", "legacy", "2025-11-25"),
    ]
    for transport, target, mode, version in ways:
        report = Report("python-2", transport)
        async with report.step("connect"), Client(target(), mode=mode) as session:
            assert session.protocol_version == version, session.protocol_version
            assert session.server_info.name == "rag-memory" and session.instructions
            await exchange(session, report, references)
            await cancelled(session, report, lambda arguments: start_and_cancel(session, arguments))


asyncio.run(main())
