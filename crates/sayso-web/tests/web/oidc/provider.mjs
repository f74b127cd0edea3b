// A certified OpenID provider (npm `oidc-provider`, installed by scripts/setup) for the tests: anybody
// logs in with any password, and is in the groups that the test has said last.
//
// Its name is another than the site's, so that a browser takes the two for different sites.
//
// Arguments: the folder that it is installed in, the client's redirect URI. It prints its address, and
// takes lines of JSON: {"groups": {"ana": ["approvers"]}} or {"rotate": true} for new keys. Each is
// answered with a line. It ends when its input does.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, redirectUri] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));

let groups = {};

const key = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: randomUUID(),
  use: 'sig',
});

const provider = (issuer) => {
  const made = new Provider(issuer, {
    clients: [{ client_id: 'sayso', client_secret: 'not-a-secret', redirect_uris: [redirectUri] }],
    jwks: { keys: [key()] },
    cookies: { keys: [randomUUID()] },
    pkce: { required: () => true },
    scopes: ['openid', 'groups'],
    claims: { profile: ['preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        email: `${id}@example.com`,
        email_verified: true,
        groups: groups[id] ?? [],
      }),
    }),
    ttl: { Session: 60, Grant: 60, Interaction: 60, AccessToken: 60, IdToken: 60 },
  });
  return made.callback();
};

let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  answer = provider(issuer);
  console.log(issuer);
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const told = JSON.parse(line);
      groups = told.groups ?? groups;
      if (told.rotate) answer = provider(issuer);
      console.log('done');
    })
    .on('close', () => process.exit());
});
