"""What every Python client does with the server, whichever way it reaches it.

A client is an open session with the methods that `mcp` 1.x and 2.x share. Each
step prints one line, `pass` or `FAIL`, for `run.sh` to count.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import traceback

HERE = pathlib.Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text())
BINARY = os.environ["RAG_BIN"]
URL = os.environ["RAG_URL"]
TOKEN = os.environ["RAG_TOKEN"]
#: One that allows no more than to look things up.
TOKEN_TO_READ = os.environ["RAG_TOKEN_TO_READ"]
FOLDER = pathlib.Path(os.environ["RAG_FOLDER"])
#: What `rag mcp` is started with.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith(("RAG_", "DATABASE_URL"))}

FACT = "The moss on the north roof is watered by Henrietta every second Tuesday."


class Report:
    """Says what passed, for one client over one transport."""

    def __init__(self, client, transport):
        self.client, self.transport = client, transport

    @contextlib.asynccontextmanager
    async def step(self, name):
        try:
            async with asyncio.timeout(60):
                yield
        except Exception as error:  # a failed step must not hide the others
            self.line("FAIL", name, f"{type(error).__name__}: {error}")
            traceback.print_exc()
        else:
            self.line("pass", name, "")

    def line(self, verdict, name, detail):
        print(verdict, self.client, self.transport, name, " ".join(detail.split())[:200], sep="\t", flush=True)


def bearer(token):
    """The headers that a token is sent in: none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def plain(result):
    """A result as the JSON that was on the wire."""
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


async def call(session, tool, arguments, **options):
    """The structured content of a tool's answer, which its text repeats."""
    result = plain(await session.call_tool(tool, arguments, **options))
    assert not result.get("isError"), result
    content = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == content, "text and structured content differ"
    return content


async def admitted(report, connect):
    """Sees that a token is needed, and that its scope holds. `connect` opens a session with one, or with `None`."""
    async with report.step("refused without a token, shown less with one to read"):
        try:
            async with connect(None):
                pass
        except Exception as error:
            # In 1.x it is within groups of errors; 2.x over HTTP keeps the status to itself.
            told = "".join(traceback.format_exception(error))
            assert "401 Unauthorized" in told or "Server returned an error response" in told, told
        else:
            raise AssertionError("a session was opened without a token")
        async with connect(TOKEN_TO_READ) as session:
            tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        assert tools == sorted(EXPECTED["tools_to_read"]), tools


async def exchange(session, report, references):
    """Everything but cancelling. `references` makes the two kinds of completion reference."""
    name = f"{report.client}-{report.transport}".replace(".", "-").lower()
    async with report.step("list tools"):
        tools = [plain(tool) for tool in (await session.list_tools()).tools]
        assert sorted(tool["name"] for tool in tools) == sorted(EXPECTED["tools"])
        for tool in tools:
            assert tool["inputSchema"]["type"] == "object", tool["name"]
            assert tool["outputSchema"]["type"] == "object", tool["name"]
            assert tool["description"] and tool["title"] and tool["annotations"], tool["name"]
    async with report.step("create collection"):
        created = await call(session, "create_collection", {"name": name, "description": "What a client put in"})
        assert created["created"] is True
    document = None
    async with report.step("ingest text"):
        ingested = await call(session, "ingest_text", {
            "content": f"# Roof\n\n{FACT}", "collection_name": name, "metadata": {"kind": "note"},
        })
        document = ingested["source_document_id"]
        assert ingested["num_chunks"] >= 1
    async with report.step("search finds it"):
        found = await call(session, "search_documents", {"query": "Who waters the moss?", "collection_name": name})
        assert found["results"][0]["source_document_id"] == document
        assert "Henrietta" in found["results"][0]["content"]
    async with report.step("ingest directory with progress"):
        progress = []

        async def on_progress(done, total, message):
            progress.append((done, total))

        ingested = await call(session, "ingest_directory", {
            "directory_path": str(FOLDER / "few"), "collection_name": name,
        }, progress_callback=on_progress)
        assert ingested["files_ingested"] == 3, ingested
        assert progress and [done for done, _ in progress] == sorted(done for done, _ in progress), progress
    async with report.step("unknown collection is a tool error"):
        result = plain(await session.call_tool("search_documents", {"query": "x", "collection_name": "no-such"}))
        assert result["isError"] is True and "no-such" in result["content"][0]["text"], result
    async with report.step("wrong arguments are a tool error"):
        result = plain(await session.call_tool("search_documents", {"query": 7}))
        assert result["isError"] is True and "query" in result["content"][0]["text"], result
    async with report.step("list and read resources"):
        resources = [plain(resource) for resource in (await session.list_resources()).resources]
        uri = f"rag://document/{document}"
        assert uri in [str(resource["uri"]) for resource in resources], resources
        contents = plain(await session.read_resource(uri))["contents"]
        assert FACT in contents[0]["text"]
    async with report.step("missing resource is an error"):
        try:
            await session.read_resource("rag://document/0000000000000")
        except Exception as error:
            assert "0000000000000" in str(error), error
        else:
            raise AssertionError("a missing resource was read")
    async with report.step("resource templates"):
        templates = plain(await session.list_resource_templates())["resourceTemplates"]
        assert EXPECTED["template"] in [template["uriTemplate"] for template in templates]
    async with report.step("completion"):
        template, prompt = references(EXPECTED["template"], EXPECTED["prompt"])
        values = plain(await session.complete(template, {"name": "id", "value": document[:4]}))["completion"]["values"]
        assert document in values, values
        values = plain(await session.complete(prompt, {"name": "collection_name", "value": name[:4]}))["completion"]["values"]
        assert name in values, values
    async with report.step("prompt"):
        prompts = [prompt.name for prompt in (await session.list_prompts()).prompts]
        assert prompts == [EXPECTED["prompt"]]
        arguments = {"question": "Who waters the moss?", "collection_name": name}
        prompt = plain(await session.get_prompt(EXPECTED["prompt"], arguments))
        assert "Henrietta" in prompt["messages"][0]["content"]["text"]
    async with report.step("documents in parallel"):
        answers = await asyncio.gather(*(
            call(session, "get_document_by_id", {"document_id": document}) for _ in range(8)
        ))
        assert all(FACT in answer["content"] for answer in answers)


async def cancelled(session, report, cancel):
    """Starts a long call, cancels it with `cancel(start)`, and sees it stop.

    `cancel` is given a coroutine function that takes a progress callback.
    """
    name = f"{report.client}-{report.transport}-cancel".replace(".", "-").lower()
    async with report.step("cancel"):
        await call(session, "create_collection", {"name": name, "description": "Cancelled half-way"})
        arguments = {"directory_path": str(FOLDER / "many"), "collection_name": name}
        await cancel(arguments)
        before = -1
        while True:
            listing = await call(session, "list_documents", {"collection_name": name, "limit": 1})
            if listing["total_count"] == before:
                break
            before = listing["total_count"]
            await asyncio.sleep(0.5)
        assert before < len(list((FOLDER / "many").iterdir())), "the call ran to its end"
