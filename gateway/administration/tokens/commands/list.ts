import { Command } from 'commander';
import type { StoredToken } from '../token.ts';
import { type StoreChoice, useStore, withStore } from './common.ts';

/** `admin-tokens list`: everything but the hashes. */
export const listCommand = (): Command =>
  withStore(new Command('list'))
    .description('show the tokens, also those that have ended')
    .option('--json', 'print one line of JSON per token')
    .action(list);

async function list({ json, ...choice }: StoreChoice & { readonly json?: true }): Promise<void> {
  const tokens = await useStore(choice, 'refuse', (store) => store.list());
  const nowMs = Date.now();
  for (const token of tokens) {
    const { id, name, scope, state, createdAt, expiresAt, revokedAt } = publicFields(token, nowMs);
    if (json) console.log(JSON.stringify({ id, name, scope, state, createdAt, expiresAt, revokedAt }));
    else console.log(`${id}  ${scope.padEnd(7)}  ${state.padEnd(7)}  until ${expiresAt}  ${name}`);
  }
  if (!json) console.error(`${tokens.length} tokens`);
}

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const publicFields = ({ id, name, scope, createdAtMs, expiresAtMs, revokedAtMs }: StoredToken, nowMs: number) => ({
  id,
  name,
  scope,
  state: revokedAtMs !== undefined ? 'revoked' : expiresAtMs <= nowMs ? 'expired' : 'good',
  createdAt: time(createdAtMs),
  expiresAt: time(expiresAtMs),
  revokedAt: time(revokedAtMs),
});
