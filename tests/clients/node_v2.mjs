// npm `@modelcontextprotocol/client` 2.x, which negotiates 2026-07-28 when told
// to, and knows what came before.

import assert from "node:assert/strict";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { abort, admitted, binary, cancelled, environment, exchange, folder, ownToken, reporter, url } from "./scenario.mjs";

// Without a provider, a refusal is told with its status.
const options = (token) => (token ? { authProvider: { token: async () => token } } : {});

const stdio = () => new StdioClientTransport({ command: binary, args: ["mcp", "--root", folder], env: environment });
const sse = (token) => new SSEClientTransport(new URL(`${url}/sse`), options(token));
const http = (token) => new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options(token));

const ways = [
  ["stdio", stdio, "auto", "2026-07-28"],
  ["stdio-legacy", stdio, "legacy", "2025-11-25"],
  ["sse", sse, "legacy", "2025-11-25"],
  ["http", http, "auto", "2026-07-28"],
  ["http-legacy", http, "legacy", "2025-11-25"],
];

async function connect(transport, mode, version, token) {
  const client = new Client({ name: "node-2", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport(token));
  assert.equal(client.getNegotiatedProtocolVersion(), version);
  assert.equal(client.getServerVersion().name, "rag-memory");
  assert.ok(client.getInstructions());
  return client;
}

const watch = (client) => (name, args, options) => client.callTool({ name, arguments: args }, options);

for (const [way, transport, mode, version] of ways) {
  const report = reporter("node-2", way);
  if (transport !== stdio) await admitted(report, (token) => connect(transport, mode, version, token));
  await report.step("connect", async () => {
    const client = await connect(transport, mode, version, ownToken);
    await exchange(client, report, watch(client));
    await cancelled(client, report, (name, args) => abort(watch(client), name, args));
    await client.close();
  });
}
process.exit();
