import { decodeProtectedHeader } from 'jose';
import type { TokenAlgorithm } from '../../core/token-algorithms.ts';
import type { TokenRejection } from './observer.ts';

/** What is known of a token before its signature was checked: enough to look for the key, and not to be believed. */
export interface UnverifiedToken {
  readonly text: string;
  readonly algorithm: TokenAlgorithm;
  readonly keyId: string;
}

export interface HeaderRules {
  readonly algorithms: readonly TokenAlgorithm[];
  readonly maxTokenBytes: number;
}

/** Three parts in base64url, the first of which begins as a JSON object does. The last is empty with `alg: none`. */
const compactJws = /^e[w-z0-9_-][A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/**
 * Parameters that say how a token wants to be checked, which is not its to say: own keys and where to fetch them (RFC 7515,
 * sections 4.1.2, 4.1.3, 4.1.5, 4.1.6), extensions that must be understood (4.1.11), and the one that is known (RFC 7797).
 */
const refusedParameters = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'] as const;

/** Key ids are compared, and nothing else: they become part of no path, address or query. This is what one may look like. */
const usableKeyId = /^[\x20-\x7e]{1,256}$/;

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/**
 * Whether a password is to be taken for a token where secrets are taken as well. One that is longer than a token may be is
 * not looked into, and is no secret either: these are shorter.
 */
export const isTokenShaped = (password: Uint8Array, maxTokenBytes: number): boolean =>
  password.byteLength > maxTokenBytes || compactJws.test(textOf(password));

/** Takes the header of a token apart (RFC 7515, section 4), its length checked before anything else. */
export function readToken(
  bytes: Uint8Array,
  { algorithms, maxTokenBytes }: HeaderRules,
): UnverifiedToken | { readonly rejected: TokenRejection } {
  if (bytes.byteLength > maxTokenBytes) return { rejected: 'too_large' };
  const text = textOf(bytes);
  if (!compactJws.test(text)) return { rejected: 'not_a_token' };
  const header = parseHeader(text);
  if (header === undefined) return { rejected: 'malformed' };
  if (refusedParameters.some((name) => Object.hasOwn(header, name))) return { rejected: 'header_not_allowed' };
  const algorithm = algorithms.find((allowed) => allowed === header.alg);
  if (algorithm === undefined) return { rejected: 'algorithm_not_allowed' };
  const { kid } = header;
  if (typeof kid !== 'string' || !usableKeyId.test(kid)) return { rejected: 'unknown_key' };
  return { text, algorithm, keyId: kid };
}

function parseHeader(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeProtectedHeader(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
