import { describeFailure } from '../error-classes.ts';
import { KafkaAccessError } from './access-failure.ts';

export interface TokenRequest {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly secret: string;
  /** Empty: what the server gives by default. */
  readonly scope: string;
  readonly deadlineMs: number;
}

export interface FetchedToken {
  readonly token: string;
  readonly lifetimeSeconds: number;
}

const mostAnswerBytes = 65_536;
/** Where the server does not say (RFC 6749, section 5.1, only recommends it): asked again for the next connection. */
const unknownLifetimeSeconds = 0;

/**
 * Gets a token by client credentials (RFC 6749, section 4.4), the client named by HTTP Basic (section 2.3.1).
 *
 * @throws {KafkaAccessError} `token_unavailable`; its message has the server's error code, never what was sent.
 */
export async function fetchToken(request: TokenRequest): Promise<FetchedToken> {
  const { status, text } = await ask(request).catch((error: unknown) => {
    throw unavailable(describeFailure(error));
  });
  const answer = parse(text);
  if (status !== 200) throw unavailable(`it answered with ${status}${errorCode(answer.error)}`);
  const { access_token: token, token_type: type, expires_in: lifetime } = answer;
  if (typeof token !== 'string' || token === '') throw unavailable('its answer holds no access_token');
  // Compared without regard to case (section 7.1).
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') throw unavailable('its token is no bearer token');
  return { token, lifetimeSeconds: typeof lifetime === 'number' && lifetime > 0 ? lifetime : unknownLifetimeSeconds };
}

async function ask(request: TokenRequest): Promise<{ status: number; text: string }> {
  const { tokenEndpoint, clientId, secret, scope, deadlineMs } = request;
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === '' ? {} : { scope }) });
  const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64');
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
    body: form,
    // The secret is for this address alone.
    redirect: 'error',
    signal: AbortSignal.timeout(deadlineMs),
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostAnswerBytes) throw new Error(`its answer is longer than ${mostAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.status, text: Buffer.concat(chunks).toString() };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Of the characters that an error code may have (section 5.2), a few. */
const errorCode = (error: unknown): string =>
  typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';

const unavailable = (reason: string): KafkaAccessError =>
  new KafkaAccessError('token_unavailable', `kafka.sasl.oauth.tokenEndpoint: no token: ${reason}`);
