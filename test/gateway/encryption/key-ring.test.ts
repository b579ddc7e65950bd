import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../../gateway/encryption/key-ring.ts';
import { LocalKeyWrapper } from '../../../gateway/encryption/key-wrapper.ts';
import { KeysError } from '../../../gateway/encryption/keys-error.ts';
import { SecretKey } from '../../../gateway/encryption/secret-key.ts';
import { runCommand } from '../../support/run-command.ts';
import { bytesOfKey, KeysFolder } from './support.ts';

const base64Of = (fill: number) => bytesOfKey(fill).toString('base64');
const canary = base64Of(0xca);
const salt = Buffer.alloc(16, 3);
const derived = (bytes: Buffer) => new SecretKey('k', bytes).derive(salt, 'x');

/** The code of the refusal, whose message must name the file or the key, and hold no key. */
async function refusal(ring: KeyRing): Promise<string> {
  const error: unknown = await ring.read().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KeysError)) return `no KeysError: ${String(error)}`;
  expect(inspect(error)).not.toContain(canary.slice(0, 12));
  expect(error.message).toMatch(/keys file \/|the key "|the id "/);
  return error.code;
}

describe('a file of keys', () => {
  it.each([
    ['YAML', `current: new\nkeys:\n  - id: old\n    key: ${base64Of(1)}\n  - id: new\n    key: ${base64Of(2)}\n`],
    [
      'JSON',
      {
        current: 'new',
        keys: [
          { id: 'old', key: base64Of(1) },
          { id: 'new', key: base64Of(2) },
        ],
      },
    ],
  ])('is read as %s', async (_what, content) => {
    using folder = new KeysFolder();
    const ring = new KeyRing({ keysFile: folder.write('keys', content) });
    expect(await ring.read()).toEqual({ current: 'new', keys: 2, warnings: [] });
    expect(ring.current().id).toBe('new');
    expect(ring.byId('old')?.derive(salt, 'x')).toEqual(derived(bytesOfKey(1)));
    expect(ring.byId('other')).toBeUndefined();
  });

  const good = { current: 'k', keys: [{ id: 'k', key: canary }] };

  it.each<[what: string, content: object | string]>([
    ['neither YAML nor JSON', `current: k\nkeys: [ { id: k, key: ${canary} `],
    ['a key twice in a mapping', `current: k\ncurrent: k\nkeys:\n  - id: k\n    key: ${canary}\n`],
    ['nothing', ''],
    ['no keys', { current: 'k', keys: [] }],
    ['a current that is not there', { ...good, current: 'x' }],
    ['an id twice', { ...good, keys: [...good.keys, { id: 'k', key: base64Of(1) }] }],
    ['an id of other characters', { current: 'a/b', keys: [{ id: 'a/b', key: canary }] }],
    ['a setting that is not known', { ...good, kyes: [] }],
    ['a short key', { ...good, keys: [{ id: 'k', key: Buffer.alloc(31, 0xca).toString('base64') }] }],
    ['a long key', { ...good, keys: [{ id: 'k', key: Buffer.alloc(33, 0xca).toString('base64') }] }],
    ['a key that is no base64', { ...good, keys: [{ id: 'k', key: `${canary.slice(0, -2)}*=` }] }],
    ['a key that is both', { ...good, keys: [{ id: 'k', key: canary, wrapped: canary, masterKey: 'm' }] }],
  ])('with %s is refused, and nothing of a key told', async (_what, content) => {
    using folder = new KeysFolder();
    expect(await refusal(new KeyRing({ keysFile: folder.write('keys', content) }))).toBe('keys_malformed');
  });

  it('that is missing is refused', async () => {
    expect(await refusal(new KeyRing({ keysFile: '/nowhere/keys.yaml' }))).toBe('keys_unreadable');
  });

  it.each([0o644, 0o604, 0o660, 0o602, 0o666])(
    'of mode %o is refused, as others may read or change it',
    async (mode) => {
      using folder = new KeysFolder();
      expect(await refusal(new KeyRing({ keysFile: folder.write('keys', good, mode) }))).toBe('keys_exposed');
    },
  );

  it('that its group may read is taken, with a warning, as orchestrators mount secrets that way', async () => {
    using folder = new KeysFolder();
    const { warnings } = await new KeyRing({ keysFile: folder.write('keys', good, 0o440) }).read();
    expect(warnings.join()).toContain('chmod 600');
  });
});

describe('a ring of keys', () => {
  it('takes a new file whole or not at all, and keeps keys that have gone from it', async () => {
    using folder = new KeysFolder();
    const keysFile = folder.write('keys', { current: 'a', keys: [{ id: 'a', key: base64Of(1) }] });
    const ring = new KeyRing({ keysFile });
    await ring.read();

    folder.write('keys', { current: 'b', keys: [{ id: 'b', key: base64Of(2) }] });
    await ring.read();
    expect(ring.current().id).toBe('b');
    expect(ring.byId('a')?.derive(salt, 'x')).toEqual(derived(bytesOfKey(1)));

    folder.write('keys', {
      current: 'c',
      keys: [
        { id: 'c', key: base64Of(3) },
        { id: 'd', key: 'short' },
      ],
    });
    expect(await refusal(ring)).toBe('keys_malformed');
    expect(ring.current().id).toBe('b');
    expect(ring.byId('c')).toBeUndefined();
  });

  it('takes no other key under a known id', async () => {
    using folder = new KeysFolder();
    const ring = new KeyRing({
      keysFile: folder.write('keys', { current: 'a', keys: [{ id: 'a', key: base64Of(1) }] }),
    });
    await ring.read();
    folder.write('keys', { current: 'a', keys: [{ id: 'a', key: canary }] });
    expect(await refusal(ring)).toBe('keys_changed');
    expect(ring.current().derive(salt, 'x')).toEqual(derived(bytesOfKey(1)));
  });

  it('shows no key when it is inspected or made JSON', async () => {
    using folder = new KeysFolder();
    const ring = new KeyRing({ keysFile: folder.write('keys', { current: 'k', keys: [{ id: 'k', key: canary }] }) });
    await ring.read();
    const shown = `${inspect(ring, { depth: 9, showHidden: true })}${JSON.stringify([ring, ring.current()])}${inspect(ring.current(), { depth: 9, showHidden: true })}`;
    expect(shown).not.toContain(canary.slice(0, 12));
    expect(shown).not.toMatch(/cacacaca|202, 202/);
  });
});

describe('keys wrapped by a master key', () => {
  const master = bytesOfKey(9);
  const wrapper = new LocalKeyWrapper(new Map([['m1', master]]));
  const masters = (bytes = master) => ({ current: 'm1', keys: [{ id: 'm1', key: bytes.toString('base64') }] });
  const wrappedKey = async (id = 'k', by = wrapper) => {
    const wrapped = (await by.wrap(bytesOfKey(5), id, 'm1')).toString('base64');
    return { id, wrapped, masterKey: 'm1' };
  };

  it('are unwrapped when the file is read', async () => {
    using folder = new KeysFolder();
    const masterKeysFile = folder.write('masters', masters());
    const keysFile = folder.write('keys', { current: 'k', keys: [await wrappedKey()] });
    const ring = new KeyRing({ keysFile, masterKeysFile });
    expect(await ring.read()).toMatchObject({ warnings: [] });
    expect(ring.current().derive(salt, 'x')).toEqual(derived(bytesOfKey(5)));
    expect(readFileSync(keysFile, 'utf8')).not.toContain(base64Of(5));
  });

  it('can be unwrapped by whatever keeps master keys', async () => {
    using folder = new KeysFolder();
    const keysFile = folder.write('keys', { current: 'k', keys: [await wrappedKey()] });
    const ring = new KeyRing({ keysFile }, wrapper);
    await ring.read();
    expect(ring.current().derive(salt, 'x')).toEqual(derived(bytesOfKey(5)));
    const broken = new KeyRing(
      { keysFile },
      { wrap: async () => Buffer.alloc(60), unwrap: async () => Buffer.alloc(16) },
    );
    expect(await refusal(broken)).toBe('keys_wrapped');
  });

  it.each<[what: string, key: () => Promise<object>, masterKeys: object | undefined]>([
    ['without master keys', () => wrappedKey(), undefined],
    ['with an unknown master key', async () => ({ ...(await wrappedKey()), masterKey: 'm2' }), masters()],
    ['with other bytes of the master key', () => wrappedKey(), masters(bytesOfKey(8))],
    ['under another id', async () => ({ ...(await wrappedKey('other')), id: 'k' }), masters()],
    ['cut short', async () => ({ ...(await wrappedKey()), wrapped: base64Of(1) }), masters()],
    ['changed', async () => ({ ...(await wrappedKey()), wrapped: Buffer.alloc(60, 1).toString('base64') }), masters()],
  ])('are refused %s', async (_what, key, masterKeys) => {
    using folder = new KeysFolder();
    const keysFile = folder.write('keys', { current: 'k', keys: [await key()] });
    const masterKeysFile = masterKeys && folder.write('masters', masterKeys);
    expect(await refusal(new KeyRing({ keysFile, masterKeysFile }))).toBe('keys_wrapped');
  });
});

describe('npm run keys', () => {
  const main = 'gateway/encryption/keys-command.ts';

  it('makes keys, plain and wrapped, that a ring reads, shows none, and changes which is current', async () => {
    using folder = new KeysFolder();
    const masterKeysFile = join(folder.path, 'masters.yaml');
    const keysFile = join(folder.path, 'keys.yaml');
    const runs = [
      await runCommand(main, ['add', 'm1', '--file', masterKeysFile]),
      await runCommand(main, ['add', 'a', '--file', keysFile]),
      await runCommand(main, ['add', 'b', '--file', keysFile, '--master-keys', masterKeysFile]),
    ];
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(statSync(keysFile).mode & 0o777).toBe(0o600);
    const ring = new KeyRing({ keysFile, masterKeysFile });
    expect(await ring.read()).toMatchObject({
      current: 'a',
      keys: 2,
      warnings: ['1 of 2 keys are not wrapped by a master key'],
    });

    expect(await runCommand(main, ['use', 'b', '--file', keysFile])).toMatchObject({
      code: 0,
      figures: { current: 'b' },
    });
    expect(await ring.read()).toMatchObject({ current: 'b' });
    const secrets = [...readFileSync(keysFile, 'utf8').matchAll(/(?:key|wrapped): (\S{40,})/g)].map(
      ([, text]) => text as string,
    );
    expect(secrets).toHaveLength(2);
    for (const { out, err } of runs) for (const secret of secrets) expect(out + err).not.toContain(secret);

    const refused = [
      ['add', 'b'],
      ['use', 'z'],
      ['add', 'a/b'],
    ].map(async (args) => (await runCommand(main, [...args, '--file', keysFile])).code);
    expect(await Promise.all(refused)).toEqual([1, 1, 2]);
  }, 60_000);
});
