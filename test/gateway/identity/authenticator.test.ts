import { describe, expect, it, vi } from 'vitest';
import {
  type Authentication,
  Authenticator,
  type AuthenticatorOptions,
} from '../../../gateway/identity/authenticator.ts';
import type { IdentityObserver } from '../../../gateway/identity/observer.ts';
import type { DeviceRegistry } from '../../../gateway/identity/registry.ts';
import { hashSecret, simulationCost } from '../../../gateway/identity/secret-hash.ts';
import { makeDevice, RegistryFolder } from './devices.ts';

class Events implements IdentityObserver {
  readonly seen: string[] = [];
  authenticated = (verification: string): void => void this.seen.push(verification);
  refused = (refusal: string, listener: string, deviceId: string): void =>
    void this.seen.push(`${refusal} ${listener} ${deviceId}`);
  registryFailed = (code: string): void => void this.seen.push(code);
}

const setUp = (registry: DeviceRegistry | undefined, changes: Partial<AuthenticatorOptions> = {}) => {
  const events = new Events();
  const authenticator = new Authenticator({
    registry,
    cache: { maxEntries: 100, ttlSeconds: 3600 },
    hashConcurrency: 2,
    hashQueueMax: 100,
    observer: events,
    ...changes,
  });
  const connect = (username: string | undefined, password: string | undefined): Promise<Authentication> =>
    authenticator.authenticate({
      username,
      password: password === undefined ? undefined : Buffer.from(password),
      clientId: 'client',
      listener: 'devices',
      auth: 'registry',
    });
  return { authenticator, connect, events };
};

const identity = { identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'veh-d' } };
const bad = { refused: 'bad_credentials' };

describe('the authenticator', () => {
  it('lets a device in with its secret, as what it is bound to', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    expect(await connect('d', 'right')).toEqual(identity);
    expect(events.seen).toEqual(['hashed']);
  });

  it.each([
    ['a wrong password', 'd', 'wrong', 'd'],
    ['an empty password', 'd', '', 'd'],
    ['no password', 'd', undefined, 'd'],
    ['an unknown user', 'other', 'right', 'other'],
    ['no user', undefined, 'right', ''],
    ['a user name that can be no id, which is not logged either', "' OR 1=1 --", 'right', ''],
  ])('refuses %s with one and the same answer', async (_what, username, password, logged) => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    expect(await connect(username, password)).toEqual(bad);
    expect(events.seen).toEqual([`bad_credentials devices ${logged}`]);
  });

  it('tells a disabled device so, but only with the right password', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right', { enabled: false }));
    const { connect } = setUp(registry);
    expect(await connect('d', 'wrong')).toEqual(bad);
    expect(await connect('d', 'right')).toEqual({ refused: 'not_authorized' });
  });

  it('names everybody on an anonymous listener by the client id, without a registry', async () => {
    const { authenticator, events } = setUp(undefined);
    const credentials = {
      username: 'u',
      password: undefined,
      clientId: 'c-1',
      listener: 'lab',
      auth: 'anonymous',
    } as const;
    expect(await authenticator.authenticate(credentials)).toEqual({
      identity: { deviceId: 'c-1', kind: 'anonymous', boundTo: '' },
    });
    expect(events.seen).toEqual(['anonymous']);
  });

  it('answers that it is unavailable when the registry fails, and says why to the operator', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open('closed.sqlite');
    const { connect, events } = setUp(registry);
    vi.spyOn(registry, 'find').mockImplementation(() => {
      throw new Error('disk on fire');
    });
    expect(await connect('d', 'right')).toEqual({ refused: 'server_unavailable' });
    expect(events.seen).toEqual(['registry_failed', 'server_unavailable devices d']);
  });

  it('does not compute a hash whose cost is hostile', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    const secretHash = (await hashSecret('right', simulationCost)).replace('$16$', '$1048576$');
    registry.add(await makeDevice('d', 'right', { secretHash }));
    const { connect, events } = setUp(registry);
    expect(await connect('d', 'right')).toEqual({ refused: 'server_unavailable' });
    expect(events.seen[0]).toBe('unusable_hash');
  });
});

describe('remembered credentials', () => {
  it('cost no hash, until the secret is rotated', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    await connect('d', 'right');
    expect(await connect('d', 'right')).toEqual(identity);
    expect(events.seen).toEqual(['hashed', 'cached']);

    folder.open().rotate('d', await hashSecret('new', simulationCost), 1);
    expect(await connect('d', 'right')).toEqual(bad);
    expect(await connect('d', 'new')).toEqual(identity);
  });

  it('do not let a device in that was disabled or removed by another process', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect } = setUp(registry);
    await connect('d', 'right');
    folder.open().setEnabled('d', false);
    expect(await connect('d', 'right')).toEqual({ refused: 'not_authorized' });
    folder.open().setEnabled('d', true);
    expect(await connect('d', 'right')).toEqual(identity);
    folder.open().remove('d');
    expect(await connect('d', 'right')).toEqual(bad);
  });

  it('are not disturbed by wrong ones', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    await connect('d', 'right');
    for (let attempt = 0; attempt < 5; attempt++) expect(await connect('d', `wrong-${attempt}`)).toEqual(bad);
    expect(await connect('d', 'right')).toEqual(identity);
    expect(events.seen.at(-1)).toBe('cached');
  });

  it('stay within their limits, the wrong ones too', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (let i = 0; i < 12; i++) registry.add(await makeDevice(`d${i}`, 'right'));
    const { connect, authenticator } = setUp(registry, { cache: { maxEntries: 5, ttlSeconds: 3600 } });
    for (let i = 0; i < 12; i++) {
      await connect(`d${i}`, 'right');
      await connect(`d${i}`, 'wrong');
      await connect(`unknown${i}`, 'right');
    }
    expect(authenticator.cacheSizes).toEqual({ right: 5, wrong: 5 });
  });
});

describe('hashing', () => {
  it('is done once for all who wait for the same answer', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, authenticator } = setUp(registry);
    const connects = Array.from({ length: 20 }, () => connect('d', 'right'));
    expect(authenticator.pending).toBe(1);
    for (const result of await Promise.all(connects)) expect(result).toEqual(identity);
    expect(authenticator.pending).toBe(0);
  });

  it('goes on beside the event loop: other work runs while it is under way', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    registry.add(await makeDevice('d', 'right'));
    const { connect, authenticator } = setUp(registry);
    const connecting = connect('d', 'right');
    // A hash on the event loop's own thread would have been over when `connect` returned.
    expect(authenticator.pending).toBe(1);
    await connecting;
  });

  it('is refused to more than may wait, and only to them', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (let i = 0; i < 5; i++) registry.add(await makeDevice(`d${i}`, 'right'));
    const { connect } = setUp(registry, { hashConcurrency: 1, hashQueueMax: 2 });
    const results = await Promise.all([0, 1, 2, 3, 4].map((i) => connect(`d${i}`, 'right')));
    expect(results.map((result) => ('refused' in result ? result.refused : 'in'))).toEqual([
      'in',
      'in',
      'in',
      'server_busy',
      'server_busy',
    ]);
    expect(await connect('d4', 'right')).toHaveProperty('identity');
  });

  it('is done for an unknown user as well, so that time does not tell who exists', async () => {
    using folder = new RegistryFolder();
    const { connect, authenticator } = setUp(folder.open());
    const connecting = connect('unknown', 'x');
    expect(authenticator.pending).toBe(1);
    expect(await connecting).toEqual(bad);
  });

  it('ends in a refusal when the device is disabled, rotated or removed meanwhile', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (const id of ['a', 'b', 'c']) registry.add(await makeDevice(id, 'right'));
    const { connect } = setUp(registry);
    const connecting = ['a', 'b', 'c'].map((id) => connect(id, 'right'));
    registry.setEnabled('a', false);
    registry.rotate('b', 'another', 1);
    registry.remove('c');
    expect(await Promise.all(connecting)).toEqual([{ refused: 'not_authorized' }, bad, bad]);
  });
});
