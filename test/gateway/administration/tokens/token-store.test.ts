import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { idOfToken } from '../../../../gateway/administration/tokens/token.ts';
import { TokenStore } from '../../../../gateway/administration/tokens/token-store.ts';
import { runCommand } from '../../../support/run-command.ts';
import { addToken, temporaryFolder } from '../support.ts';

describe('the tokens', () => {
  it('are none at first, in a file that is its owner’s alone', () => {
    const path = join(temporaryFolder(), 'tokens.sqlite');
    const store = TokenStore.open(path, { busyTimeoutMs: 0 });
    expect(store.list()).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    store.close();
  });

  it('are found by their id, revoked once, and never forgotten', () => {
    const store = TokenStore.open(':memory:', { busyTimeoutMs: 0 });
    const id = idOfToken(addToken(store, 'operate')) ?? '';
    expect(store.find(id)).toMatchObject({ id, scope: 'operate', revokedAtMs: undefined });
    expect([store.revoke(id, 5), store.revoke(id, 6), store.revoke('ffffffffffff', 6)]).toEqual([true, false, false]);
    expect(store.list()).toMatchObject([{ id, revokedAtMs: 5 }]);
    store.close();
  });

  it('are kept as hashes only', () => {
    const path = join(temporaryFolder(), 'tokens.sqlite');
    const store = TokenStore.open(path, { busyTimeoutMs: 0 });
    const token = addToken(store, 'admin');
    store.close();
    const secret = token.slice('eig_0123456789ab_'.length);
    const bytes = readFileSync(path);
    expect(bytes.includes(token.slice(4, 16))).toBe(true);
    expect(bytes.includes(secret)).toBe(false);
    expect(bytes.includes(Buffer.from(secret, 'base64url'))).toBe(false);
  });

  it('are not looked for in a file that is none of theirs', () => {
    const path = join(temporaryFolder(), 'notes.txt');
    writeFileSync(path, 'dear diary, this is no database at all, and never was one');
    expect(() => TokenStore.open(path, { busyTimeoutMs: 0 })).toThrow(/notes\.txt/);
  });
});

describe('the command admin-tokens', () => {
  const main = 'gateway/administration/tokens/tokens-command.ts';

  it('creates, lists and revokes tokens, and shows each once', async () => {
    const path = join(temporaryFolder(), 'tokens.sqlite');
    const options = ['--tokens', path];
    const created = await runCommand(main, [
      ...['create', '--name', 'ci', '--scope', 'read', '--expires-in', '7', '--json', ...options],
    ]);
    expect(created.code).toBe(0);
    const { token, id } = created.figures as { token: string; id: string };
    expect(token).toMatch(/^eig_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    const listed = await runCommand(main, ['list', ...options]);
    expect(listed.out).toMatch(new RegExp(`^${id}  read     good     until .* ci$`, 'm'));
    expect(listed.out + listed.err).not.toContain(token);
    expect(await runCommand(main, ['revoke', id, ...options])).toMatchObject({ code: 0, out: `token ${id} revoked\n` });
    expect(await runCommand(main, ['revoke', id, ...options])).toMatchObject({ code: 1 });
    expect((await runCommand(main, ['list', ...options])).out).toContain('revoked');
  });

  it.each([
    ['without a name', ['create', '--scope', 'read', '--expires-in', '7']],
    ['without a scope', ['create', '--name', 'ci', '--expires-in', '7']],
    ['without an end', ['create', '--name', 'ci', '--scope', 'read']],
    ['with an end that is none', ['create', '--name', 'ci', '--scope', 'read', '--expires-in', '0']],
    ['with a name of several lines', ['create', '--name', 'ci\nx', '--scope', 'read', '--expires-in', '7']],
  ])('makes none %s', async (_what, args) => {
    const path = join(temporaryFolder(), 'tokens.sqlite');
    const result = await runCommand(main, [...args, '--tokens', path]);
    expect(result.code).toBe(2);
    expect(() => statSync(path)).toThrow();
  });

  it('does not repeat a token that it was given in the place of an id', async () => {
    const path = join(temporaryFolder(), 'tokens.sqlite');
    const store = TokenStore.open(path, { busyTimeoutMs: 0 });
    const token = addToken(store, 'admin');
    store.close();
    const { code, out, err } = await runCommand(main, ['revoke', token, '--tokens', path]);
    expect(code).toBe(2);
    expect(out + err).not.toContain(token.slice(-43));
  });
});
