import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Scope } from '../scopes.ts';

/**
 * `eig_`, the id of the token, `_`, and 256 random bits in base64url. The prefix and the fixed form are for scanners that
 * look for secrets where none should be; the id says in lists and audit records which token it is.
 */
const form = /^eig_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
const idForm = /^[0-9a-f]{12}$/;
const idBytes = 6;
const secretBytes = 32;

/** A token as it is kept: never itself. */
export interface StoredToken {
  readonly id: string;
  /** For people: who or what has it. */
  readonly name: string;
  readonly scope: Scope;
  readonly hash: Uint8Array;
  /** Milliseconds since the epoch, as all that follow. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
}

/** Makes a new token: its text, to be shown once, its id and its hash. */
export function generateToken(): { readonly token: string; readonly id: string; readonly hash: Uint8Array } {
  const id = randomBytes(idBytes).toString('hex');
  const token = `eig_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  return { token, id, hash: hashToken(token) };
}

/** The id in what may be a token; undefined when it has not the form of one. */
export const idOfToken = (text: string): string | undefined => form.exec(text)?.[1];

export const isTokenId = (text: string): boolean => idForm.test(text);

/**
 * One round of SHA-256 is enough, and no scrypt is called for: stretching makes each guess at a secret of few bits dearer,
 * and nobody guesses 256 random ones. It would only make each request, and each flood of forged ones, cost 50 ms.
 */
export const hashToken = (token: string): Uint8Array => createHash('sha256').update(token).digest();

/** Compares in a time that does not depend on where the hashes differ. */
export const isSameHash = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
