// Official servers by the official TypeScript client, with and without the gateway in between. The
// plan comes as JSON on standard input; each finding goes out as a line of JSON.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { pathToFileURL } from 'node:url';

// Modules are looked for where they were installed, not beside this file.
const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client');
const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');

const ours = new Set(['request_human_review', 'check_review', 'await_review', 'withdraw_review', 'list_my_reviews']);
const say = (what, ok, detail) => console.log(JSON.stringify({ what, ok, detail: ok ? '' : JSON.stringify(detail) }));

// Some resources say when they were read.
const timeless = (thing) => JSON.parse(JSON.stringify(thing).replace(/\d\d?:\d\d:\d\d[^"\\]*/g, 'WHEN'));

async function connect({ url, key, command, args, env }, mode) {
  const client = new Client({ name: 'check', version: '1' }, { versionNegotiation: { mode } });
  const transport = url
    ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } })
    : new StdioClientTransport({ command, args, env: { ...process.env, ...env }, stderr: 'ignore' });
  await client.connect(transport);
  return client;
}

const none = async (asked) => {
  try {
    return await asked;
  } catch {
    return 'none';
  }
};

// Tasks of the legacy revision are none of the modern one's, and so is what tools say of them.
async function offered(client) {
  const can = client.getServerCapabilities() ?? {};
  const { tools } = await client.listTools();
  return {
    tools: tools
      .filter((tool) => !ours.has(tool.name))
      .map(({ outputSchema, execution, ...tool }) => ({ ...tool, description: tool.description?.split('Sayso (')[0].trimEnd() })),
    resources: can.resources ? (await client.listResources()).resources : 'none',
    templates: can.resources ? (await client.listResourceTemplates()).resourceTemplates : 'none',
    prompts: can.prompts ? (await client.listPrompts()).prompts : 'none',
  };
}

const called = async (client, name, args) => {
  const { _meta, resultType, ...result } = await client.callTool({ name, arguments: args });
  return result;
};

const read = async (client) => {
  const can = client.getServerCapabilities() ?? {};
  if (!can.resources) return [];
  const { resources } = await client.listResources();
  return Promise.all(resources.map(({ uri }) => none(client.readResource({ uri }).then(({ contents }) => contents))));
};

const plan = JSON.parse(readFileSync(0, 'utf8'));
for (const [name, { direct, gateways, same, prompts, held }] of Object.entries(plan)) {
  const one = await connect(direct, 'legacy');
  const expected = await offered(one);
  for (const [way, gateway] of Object.entries(gateways)) {
    for (const mode of ['legacy', 'auto']) {
      const where = `${name}, TypeScript, ${way}, ${mode}`;
      const other = await connect(gateway, mode);
      const found = await offered(other);
      for (const part of Object.keys(expected)) {
        say(`${where}: the same ${part}`, isDeepStrictEqual(expected[part], found[part]), [expected[part], found[part]]);
      }
      const [a, b] = [await read(one), await read(other)];
      say(`${where}: its resources read the same`, isDeepStrictEqual(a, b), [a, b]);
      for (const [tool, args] of same) {
        const [a, b] = [await none(called(one, tool, args)), await none(called(other, tool, args))];
        say(`${where}: ${tool} answers the same`, isDeepStrictEqual(a, b), [a, b]);
      }
      for (const [prompt, args] of prompts) {
        const got = (client) => none(client.getPrompt({ name: prompt, arguments: args }).then(({ messages }) => timeless(messages)));
        const [a, b] = [await got(one), await got(other)];
        say(`${where}: the prompt ${prompt} is the same`, isDeepStrictEqual(a, b), [a, b]);
      }
      for (const [tool, args] of held) {
        const pending = (await called(other, tool, args)).structuredContent;
        say(`${where}: ${tool} is held`, pending?.status === 'pending', pending);
      }
      await other.close();
    }
  }
  await one.close();
}
