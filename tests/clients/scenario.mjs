// What every Node client does with the server, whichever way it reaches it.
//
// Each step prints one line, `pass` or `FAIL`, for `run.sh` to count.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";

export const binary = process.env.RAG_BIN;
export const url = process.env.RAG_URL;
export const ownToken = process.env.RAG_TOKEN;
// One that allows no more than to look things up.
const tokenToRead = process.env.RAG_TOKEN_TO_READ;
export const folder = process.env.RAG_FOLDER;
// What `rag mcp` is started with.
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith("RAG_") || name === "DATABASE_URL" || name === "PATH"),
);

const expected = JSON.parse(readFileSync(new URL("expected.json", process.env.RAG_TESTS)));
const fact = "The moss on the north roof is watered by Henrietta every second Tuesday.";

// Says what passed, for one client over one transport.
export function reporter(client, transport) {
  const line = (verdict, name, detail) =>
    console.log([verdict, client, transport, name, detail.replace(/\s+/g, " ").slice(0, 200)].join("\t"));
  const step = async (name, action) => {
    const limit = new Promise((_, reject) => setTimeout(() => reject(new Error("no end after 60 s")), 60_000).unref());
    try {
      await Promise.race([action(), limit]);
      line("pass", name, "");
    } catch (error) {
      line("FAIL", name, String(error));
      console.error(error);
    }
  };
  return { name: `${client}-${transport}`, step };
}

// The structured content of a tool's answer, which its text repeats.
async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, JSON.stringify(result));
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
}

// Sees that a token is needed, and that its scope holds. `connect` opens a
// client with one, or without.
export async function admitted({ step }, connect) {
  await step("refused without a token, shown less with one to read", async () => {
    // 2.x over HTTP has the status by that name, the others as a code.
    await assert.rejects(connect(), (error) => (error.status ?? error.code) === 401);
    const client = await connect(tokenToRead);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), [...expected.tools_to_read].sort());
    await client.close();
  });
}

// Everything but cancelling. `watched` calls a tool with a progress callback.
export async function exchange(client, { name, step }, watched) {
  let document;
  await step("list tools", async () => {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), [...expected.tools].sort());
    for (const tool of tools) {
      assert.equal(tool.inputSchema.type, "object", tool.name);
      assert.equal(tool.outputSchema.type, "object", tool.name);
      assert.ok(tool.description && tool.title && tool.annotations, tool.name);
    }
  });
  await step("create collection", async () => {
    const created = await call(client, "create_collection", { name, description: "What a client put in" });
    assert.equal(created.created, true);
  });
  await step("ingest text", async () => {
    const ingested = await call(client, "ingest_text", {
      content: `# Roof\n\n${fact}`, collection_name: name, metadata: { kind: "note" },
    });
    document = ingested.source_document_id;
    assert.ok(ingested.num_chunks >= 1);
  });
  await step("search finds it", async () => {
    const found = await call(client, "search_documents", { query: "Who waters the moss?", collection_name: name });
    assert.equal(found.results[0].source_document_id, document);
    assert.match(found.results[0].content, /Henrietta/);
  });
  await step("ingest directory with progress", async () => {
    const progress = [];
    const result = await watched(
      "ingest_directory", { directory_path: `${folder}/few`, collection_name: name },
      { onprogress: (update) => progress.push(update.progress) },
    );
    assert.equal(result.structuredContent.files_ingested, 3);
    assert.ok(progress.length > 0, "no progress");
    assert.deepEqual(progress, [...progress].sort((one, other) => one - other));
  });
  await step("unknown collection is a tool error", async () => {
    const result = await client.callTool({ name: "search_documents", arguments: { query: "x", collection_name: "no-such" } });
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /no-such/);
  });
  await step("wrong arguments are a tool error", async () => {
    const result = await client.callTool({ name: "search_documents", arguments: { query: 7 } });
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /query/);
  });
  await step("list and read resources", async () => {
    const uri = `rag://document/${document}`;
    const { resources } = await client.listResources();
    assert.ok(resources.some((resource) => resource.uri === uri), JSON.stringify(resources));
    const { contents } = await client.readResource({ uri });
    assert.ok(contents[0].text.includes(fact));
  });
  await step("missing resource is an error", () =>
    assert.rejects(client.readResource({ uri: "rag://document/0000000000000" }), /0000000000000/));
  await step("resource templates", async () => {
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.ok(resourceTemplates.some((template) => template.uriTemplate === expected.template));
  });
  await step("completion", async () => {
    const ids = await client.complete({
      ref: { type: "ref/resource", uri: expected.template }, argument: { name: "id", value: document.slice(0, 4) },
    });
    assert.ok(ids.completion.values.includes(document), JSON.stringify(ids));
    const names = await client.complete({
      ref: { type: "ref/prompt", name: expected.prompt }, argument: { name: "collection_name", value: name.slice(0, 4) },
    });
    assert.ok(names.completion.values.includes(name), JSON.stringify(names));
  });
  await step("prompt", async () => {
    const { prompts } = await client.listPrompts();
    assert.deepEqual(prompts.map((prompt) => prompt.name), [expected.prompt]);
    const prompt = await client.getPrompt({
      name: expected.prompt, arguments: { question: "Who waters the moss?", collection_name: name },
    });
    assert.match(prompt.messages[0].content.text, /Henrietta/);
  });
  await step("documents in parallel", async () => {
    const calls = Array.from({ length: 8 }, () => call(client, "get_document_by_id", { document_id: document }));
    for (const answer of await Promise.all(calls)) assert.ok(answer.content.includes(fact));
  });
}

// Starts a long call with `start`, which cancels it at its first progress, and
// sees that the server stops.
export async function cancelled(client, { name, step }, start) {
  await step("cancel", async () => {
    const collection = `${name}-cancel`;
    await call(client, "create_collection", { name: collection, description: "Cancelled half-way" });
    await start("ingest_directory", { directory_path: `${folder}/many`, collection_name: collection });
    let before = -1;
    for (;;) {
      const { total_count } = await call(client, "list_documents", { collection_name: collection, limit: 1 });
      if (total_count === before) break;
      before = total_count;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.ok(before < readdirSync(`${folder}/many`).length, "the call ran to its end");
  });
}

// Calls a tool and aborts it at its first progress.
export async function abort(watched, name, args) {
  const controller = new AbortController();
  const options = { signal: controller.signal, onprogress: () => controller.abort("enough") };
  await assert.rejects(watched(name, args, options));
}
