// A real provider (npm oidc-provider) for the tests: people log in with any password, under names that the test has
// described. Says its port, and ends with its standard input.
//
//   POST /test/people   {"<name>": {claims}}: what is said of who logs in under a name
//   POST /test/keys     new signing keys, the old ones gone
//   GET  /test/asked    how often each path was asked for
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = createRequire(`${process.argv[2]}/package.json`);
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')).href);
// The folder of server.key and server.pem, to speak TLS. A plain port is for browsers that do not, as if a proxy stood
// there.
const tls = process.argv[3];

const people = {};
const asked = {};

function keys() {
  const make = (type, options, alg) => {
    const jwk = generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });
    return { ...jwk, use: 'sig', alg, kid: randomUUID() };
  };
  return { keys: [make('rsa', { modulusLength: 2048 }, 'RS256'), make('ec', { namedCurve: 'P-256' }, 'ES256')] };
}

// A native client's addresses on loopback are good with any port.
const client = (id, alg) => ({
  client_id: id,
  client_secret: `secret of ${id}: +/%&`,
  application_type: 'native',
  redirect_uris: ['works', 'trusted', 'elliptic'].map((name) => `http://127.0.0.1/v1/oidc/${name}/callback`),
  id_token_signed_response_alg: alg,
});

function provider(issuer) {
  const made = new Provider(issuer, {
    clients: [client('tidings', 'RS256'), client('tidings-es', 'ES256')],
    jwks: keys(),
    claims: { email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    pkce: { required: () => true },
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...people[id] }),
    }),
  });
  made.proxy = Boolean(tls);
  return made.callback();
}

async function body(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}

let serve;
async function answer(request, response) {
  const path = request.url.split('?')[0];
  asked[path] = (asked[path] ?? 0) + 1;
  if (path === '/test/people') Object.assign(people, JSON.parse(await body(request)));
  else if (path === '/test/keys') serve = provider(issuer);
  else if (path !== '/test/asked') return serve(request, response);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(asked));
}

const server = tls
  ? createTlsServer({ key: readFileSync(`${tls}/server.key`), cert: readFileSync(`${tls}/server.pem`) }, answer)
  : createServer(answer);
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const port = server.address().port;
const issuer = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
serve = provider(issuer);
let plain = issuer;
if (tls) {
  const behind = createServer((request, response) => {
    Object.assign(request.headers, { host: `localhost:${port}`, 'x-forwarded-proto': 'https' });
    answer(request, response);
  });
  await new Promise((listening) => behind.listen(0, '127.0.0.1', listening));
  plain = `http://127.0.0.1:${behind.address().port}`;
}
console.log(JSON.stringify({ issuer, plain }));
// The test does not read on: its notices would end it.
console.info = () => {};
process.stdin.on('end', () => process.exit(0)).resume();
