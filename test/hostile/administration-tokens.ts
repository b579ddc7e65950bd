import { scopes } from '../../gateway/administration/scopes.ts';
import { generateToken } from '../../gateway/administration/tokens/token.ts';
import { TokenStore } from '../../gateway/administration/tokens/token-store.ts';

const msPerDay = 86_400_000;

/** Tokens of administration: of each scope, and such as count no more. */
export interface AdministrationTokens extends Readonly<Record<string, string>> {
  readonly read: string;
  readonly operate: string;
  readonly admin: string;
  readonly expired: string;
  readonly revoked: string;
}

/** Makes a file of tokens. */
export function prepareTokens(path: string): AdministrationTokens {
  const store = TokenStore.open(path, { busyTimeoutMs: 5_000 });
  const nowMs = Date.now();
  const add = (name: string, scope: (typeof scopes)[number], expiresAtMs = nowMs + msPerDay) => {
    const { token, id, hash } = generateToken();
    store.add({ id, name, scope, hash, createdAtMs: nowMs, expiresAtMs, revokedAtMs: undefined });
    return { token, id };
  };
  try {
    const [read, operate, admin] = scopes.map((scope) => add(scope, scope).token) as [string, string, string];
    const expired = add('expired', 'admin', nowMs - 1).token;
    const revoked = add('revoked', 'admin');
    store.revoke(revoked.id, nowMs);
    return { read, operate, admin, expired, revoked: revoked.token };
  } finally {
    store.close();
  }
}
