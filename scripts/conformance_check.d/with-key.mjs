// Adds the agent's key to every request of the conformance suite, which can't log in by itself. It
// sends by Node's fetch, by Node's http and by undici.
import http from "node:http";
import { createRequire, syncBuiltinESMExports } from "node:module";

const undici = createRequire(process.argv[1])("undici");
const authorization = `Bearer ${process.env.SAYSO_TOKEN}`;

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init = {}) => {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  headers.set("authorization", authorization);
  return plainFetch(input, { ...init, headers });
};

const plainHttp = http.request;
http.request = (...args) => {
  const request = plainHttp(...args);
  request.setHeader("authorization", authorization);
  return request;
};
syncBuiltinESMExports();

const plainUndici = undici.request;
undici.request = (url, options = {}) =>
  plainUndici(url, { ...options, headers: { ...options.headers, authorization } });
