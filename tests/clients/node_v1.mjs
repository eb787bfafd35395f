// npm `@modelcontextprotocol/sdk` 1.x, which knows the revisions with a handshake.

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { abort, admitted, binary, cancelled, environment, exchange, folder, ownToken, reporter, url } from "./scenario.mjs";

// Its `authProvider` is for OAuth; a token that one has is a header.
const options = (token) => ({ requestInit: { headers: token ? { Authorization: `Bearer ${token}` } : {} } });

const transports = {
  stdio: () => new StdioClientTransport({ command: binary, args: ["mcp", "--root", folder], env: environment }),
  sse: (token) => new SSEClientTransport(new URL(`${url}/sse`), options(token)),
  http: (token) => new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options(token)),
};

async function connect(transport, token) {
  const client = new Client({ name: "node-1", version: "1" });
  await client.connect(transports[transport](token));
  assert.equal(client.getServerVersion().name, "rag-memory");
  assert.ok(client.getInstructions());
  return client;
}

const watch = (client) => (name, args, options) => client.callTool({ name, arguments: args }, undefined, options);

for (const transport of Object.keys(transports)) {
  const report = reporter("node-1", transport);
  if (transport !== "stdio") await admitted(report, (token) => connect(transport, token));
  await report.step("connect", async () => {
    const client = await connect(transport, ownToken);
    await exchange(client, report, watch(client));
    await cancelled(client, report, (name, args) => abort(watch(client), name, args));
    await client.close();
  });
}
process.exit();
