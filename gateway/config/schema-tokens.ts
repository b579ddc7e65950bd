import { Type } from 'typebox';
import { defaultTokenAlgorithms, tokenAlgorithms } from '../core/token-algorithms.ts';
import { integer, section, text } from './schema-parts.ts';

/** What the claim that names a device may be called; a namespaced one is an address. */
const claimName = { pattern: '^[\\x21-\\x7e]{1,256}$', rule: '1 to 256 characters without white space' } as const;

/** The settings about tokens as passwords. */
export const tokens = section('Tokens (JWT) as passwords, at listeners with `credentials: token` or `either`.', {
  jwksFile: text('JSON Web Key Set with the public keys of the issuer, as a file. Empty: see `jwksUrl`.', {
    default: '',
    holds: 'path',
  }),
  jwksUrl: text('The same by its address: https, or http to this machine. Redirections are not followed.', {
    default: '',
    pattern: '^(https?://[^\\s]+)?$',
    rule: 'an https address, or nothing',
    holds: 'url',
  }),
  algorithms: Type.Array(Type.Enum([...tokenAlgorithms]), {
    default: [...defaultTokenAlgorithms],
    minItems: 1,
    description:
      'Signatures that count. Only such as are checked with a public key can be listed: never `none`, never an HMAC.',
  }),
  issuer: text('What `iss` must be. Needed where tokens are taken.', { default: '' }),
  audience: text('What `aud` must be, or hold. Needed where tokens are taken.', { default: '' }),
  clockToleranceSeconds: integer(
    'How far the clocks of issuer and gateway may differ when `exp`, `nbf` and `iat` are judged at CONNECT.',
    { default: 30, minimum: 0, maximum: 300 },
  ),
  maxLifetimeSeconds: integer('Longest time from `iat`, or from now, to `exp`; a token without `exp` never counts.', {
    default: 86_400,
    minimum: 1,
    maximum: 31_536_000,
  }),
  maxTokenBytes: integer('Longest token; a longer one is not looked into.', {
    default: 4096,
    minimum: 1024,
    maximum: 16_384,
  }),
  deviceClaim: text('The claim that names the device by its id in the registry.', { default: 'sub', ...claimName }),
  userName: Type.Enum(['required', 'optional'], {
    default: 'required',
    description:
      'The MQTT user name. `required`: it is the id of the device. `optional`: it may be left out; given, it is that id.',
  }),
  clientId: Type.Enum(['equal', 'prefixed', 'any'], {
    default: 'equal',
    description:
      'The client identifier. `equal`: it is the id of the device. `prefixed`: that, or that and `/` and more, for several connections. `any`: whatever it likes.',
  }),
  refreshSeconds: integer('How often the key set is read again; also on SIGHUP.', {
    default: 300,
    minimum: 1,
    maximum: 86_400,
  }),
  retrySeconds: integer(
    'Least time between two readings of the key set that a failure, or a token with an unknown key id, brings about.',
    { default: 30, minimum: 1, maximum: 86_400 },
  ),
  timeoutMs: integer('Time for one reading of the key set from `jwksUrl`.', {
    default: 5000,
    minimum: 100,
    maximum: 60_000,
  }),
  maxJwksBytes: integer('Largest key set.', { default: 65_536, minimum: 1024, maximum: 1_048_576 }),
  verifyConcurrency: integer(
    'Signatures checked at once, off the event loop; more than 3 need a larger UV_THREADPOOL_SIZE.',
    { default: 1, minimum: 1, maximum: 64 },
  ),
  verifyQueueMax: integer(
    'Connections that may wait for their signature to be checked, and as many for a key set that is being read; further ones are told that the server is busy.',
    { default: 1000, minimum: 1, maximum: 1_000_000 },
  ),
});
