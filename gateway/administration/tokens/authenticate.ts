import { randomBytes } from 'node:crypto';
import type { Scope } from '../scopes.ts';
import { hashToken, idOfToken, isSameHash, type StoredToken } from './token.ts';

/** Who a request comes from. */
export interface Actor {
  readonly tokenId: string;
  readonly name: string;
  readonly scope: Scope;
}

export const tokenRefusals = [
  'no_token',
  'malformed_token',
  'unknown_token',
  'revoked_token',
  'expired_token',
  /** The file of tokens could not be read. */
  'tokens_unavailable',
] as const;
export type TokenRefusal = (typeof tokenRefusals)[number];

export type Authentication =
  | { readonly actor: Actor }
  | {
      readonly refused: TokenRefusal;
      /** Whose token it was, where its secret was right. */
      readonly actor?: Actor;
      /** The id that a forged token names. */
      readonly claimedId?: string;
    };

/** RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110, section 11.1). */
const bearer = /^bearer +(\S+) *$/i;
/** Compared with where there is no such token, so that the same is done as for one that there is. */
const noHash = randomBytes(32);

/**
 * Judges the header `Authorization`. That a token is revoked or expired is found out by its holder alone: it counts only
 * once the secret is right, and the answer is the same as to a wrong one.
 */
export function authenticate(
  header: string | undefined,
  find: (id: string) => StoredToken | undefined,
  nowMs: number,
): Authentication {
  if (header === undefined) return { refused: 'no_token' };
  const token = bearer.exec(header)?.[1] ?? '';
  const id = idOfToken(token);
  if (id === undefined) return { refused: 'malformed_token' };
  const stored = find(id);
  const isRight = isSameHash(hashToken(token), stored?.hash ?? noHash);
  if (stored === undefined || !isRight) return { refused: 'unknown_token', claimedId: id };
  const actor = { tokenId: stored.id, name: stored.name, scope: stored.scope };
  if (stored.revokedAtMs !== undefined) return { refused: 'revoked_token', actor };
  if (stored.expiresAtMs <= nowMs) return { refused: 'expired_token', actor };
  return { actor };
}
