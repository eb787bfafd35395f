// npm `@modelcontextprotocol/client` 2.x, which negotiates 2026-07-28 when told
// to, and knows what came before.

import assert from "node:assert/strict";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { abort, binary, cancelled, environment, exchange, folder, reporter, url } from "./scenario.mjs";

const stdio = () => new StdioClientTransport({ command: binary, args: ["mcp", "--root", folder], env: environment });
const sse = () => new SSEClientTransport(new URL(`${url}/sse`));
const http = () => new StreamableHTTPClientTransport(new URL(`${url}/mcp`));

const ways = [
  ["stdio", stdio, "auto", "2026-07-28"],
  ["stdio-legacy", stdio, "legacy", "2025-11-25"],
  ["sse", sse, "legacy", "2025-11-25"],
  ["http", http, "auto", "2026-07-28"],
  ["http-legacy", http, "legacy", "2025-11-25"],
];

async function connect(transport, mode, version) {
  const client = new Client({ name: "node-2", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport());
  assert.equal(client.getNegotiatedProtocolVersion(), version);
  assert.equal(client.getServerVersion().name, "rag-memory");
  assert.ok(client.getInstructions());
  return client;
}

const watch = (client) => (name, args, options) => client.callTool({ name, arguments: args }, options);

for (const [way, transport, mode, version] of ways) {
  const report = reporter("node-2", way);
  await report.step("connect", async () => {
    const client = await connect(transport, mode, version);
    await exchange(client, report, watch(client));
    await cancelled(client, report, (name, args) => abort(watch(client), name, args));
    await client.close();
  });
}
process.exit();
