// A real OpenID provider (the npm package oidc-provider) on a free port of loopback, where everybody who comes is signed in at once.
//
//   node provider.mjs FOLDER REDIRECT_URL
//
// FOLDER has the installed packages. Orders come as one JSON object per line on standard input, and each is answered with one line. The first
// line it prints says where it listens. It ends with its input.

import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, redirectUrl] = process.argv.slice(2);
const installed = createRequire(pathToFileURL(join(folder, 'package.json')));
const { Provider, errors } = await import(pathToFileURL(installed.resolve('oidc-provider')));

const SECRET = 'the secret of a client in tests, of no use anywhere else';
const client = (client_id, more) => ({
  client_id,
  client_secret: SECRET,
  redirect_uris: [redirectUrl],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  ...more,
});
const clients = [
  client('confidential', {}),
  client('posting', { token_endpoint_auth_method: 'client_secret_post' }),
  client('public', { client_secret: undefined, token_endpoint_auth_method: 'none' }),
  client('elliptic', { id_token_signed_response_alg: 'ES256' }),
  client('edwards', { id_token_signed_response_alg: 'EdDSA' }),
  client('shared', { id_token_signed_response_alg: 'HS256' }),
];

const state = {
  person: { sub: 'anna', email: 'anna@hotel.example', email_verified: true, name: 'Anna Berg' },
  refuses: false,
  idTokenSeconds: 600,
  claimsInToken: false,
  requests: {},
  keys: newKeys(),
  cookieKeys: [randomUUID()],
};

function newKeys() {
  const key = (type, options, alg) => {
    const jwk = generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });
    return { ...jwk, alg, use: 'sig', kid: randomUUID() };
  };
  return [
    key('rsa', { modulusLength: 2048 }, 'RS256'),
    key('ec', { namedCurve: 'P-256' }, 'ES256'),
    key('ed25519', {}, 'EdDSA'),
  ];
}

function newProvider(issuer) {
  const made = new Provider(issuer, {
    clients,
    jwks: { keys: state.keys },
    cookies: { keys: state.cookieKeys },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: !state.claimsInToken,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA', 'HS256'] },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: true } },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: () => state.idTokenSeconds, Interaction: 600, Session: 600,
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => state.person }),
  });
  // Said on standard error, which tests show when they fail.
  made.on('server_error', (_context, error) => console.error(error));
  return made;
}

/** Signs the person in and consents, as somebody would who clicks twice. */
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (state.refuses) {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'no, thank you' });
  }
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: state.person.sub } });
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const orders = {
  set: ({ values }) => {
    Object.assign(state, values);
    provider = newProvider(issuer);
    return {};
  },
  rotate: () => {
    state.keys = newKeys();
    provider = newProvider(issuer);
    return {};
  },
  requests: () => state.requests,
};

let provider;
let issuer;
const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  state.requests[path] = (state.requests[path] ?? 0) + 1;
  try {
    await (path.startsWith('/interaction/') ? interact(request, response) : provider.callback()(request, response));
  } catch (error) {
    if (!(error instanceof errors.OIDCProviderError)) console.error(error);
    response.writeHead(400).end(String(error.message));
  }
});
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  provider = newProvider(issuer);
  console.log(JSON.stringify({ issuer, secret: SECRET }));
});
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    console.log(JSON.stringify(orders[order.do](order)));
  })
  .on('close', () => process.exit(0));
