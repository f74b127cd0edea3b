// Adds the agent's key to every request of the conformance suite, which can't log in by itself. The
// suite sends by Node's own fetch and by undici's.
import { createRequire } from "node:module";

const suite = createRequire(process.argv[1]);
const { getGlobalDispatcher, setGlobalDispatcher } = suite("undici");
const key = `Bearer ${process.env.SAYSO_TOKEN}`;

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init = {}) => {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  headers.set("authorization", key);
  return plainFetch(input, { ...init, headers });
};

const withKey = (dispatch) => (options, handler) => {
  const given = options.headers ?? {};
  const headers = Array.isArray(given)
    ? [...given, "authorization", key]
    : { ...(Symbol.iterator in given ? Object.fromEntries(given) : given), authorization: key };
  return dispatch({ ...options, headers }, handler);
};
setGlobalDispatcher(getGlobalDispatcher().compose(withKey));
