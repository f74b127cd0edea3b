// The official TypeScript client, doing what the conformance suite's client scenarios ask for: it
// lists the tools and calls each, or those that the scenario names. The server's URL is the last
// argument.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.SAYSO_CONFORMANCE_TOOLS}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client');

const { MCP_CONFORMANCE_PROTOCOL_VERSION: revision = '2025-11-25', MCP_CONFORMANCE_CONTEXT: context = '{}' } = process.env;
const { toolCalls } = JSON.parse(context);

// Ours are the gateway's, and none of a scenario's.
const ours = new Set(['request_human_review', 'check_review', 'await_review', 'withdraw_review', 'list_my_reviews']);

function sample({ type, properties, enum: values, default: given }) {
  if (given !== undefined) return given;
  if (values) return values[0];
  if (type === 'object') return Object.fromEntries(Object.entries(properties ?? {}).map(([key, of]) => [key, sample(of)]));
  return { string: 'x', number: 1, integer: 1, boolean: true, array: [] }[type] ?? null;
}

const client = new Client(
  { name: 'conformance', version: '1' },
  {
    capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
    versionNegotiation: { mode: revision < '2026-07-28' ? 'legacy' : 'auto' },
  },
);
client.setRequestHandler('elicitation/create', ({ params }) => ({
  action: 'accept',
  content: process.env.MCP_CONFORMANCE_SCENARIO?.includes('defaults') ? {} : sample(params.requestedSchema),
}));
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv.at(-1))));

const tools = (await client.listTools()).tools.filter((tool) => !ours.has(tool.name));
const focal = tools.find((tool) => tool.name === 'json_schema_2020_12_tool');
const own = tools.map((tool) => ({ name: tool.name, arguments: sample(tool.inputSchema) }));
for (const call of toolCalls ?? own) {
  // The one that wants a tool's schema as it arrived here.
  const args = call.name === 'json_schema_echo' ? { schema: focal.inputSchema } : call.arguments;
  await client.callTool({ name: call.name, arguments: args }).catch((error) => console.error(call.name, error.message));
}
await client.close();
