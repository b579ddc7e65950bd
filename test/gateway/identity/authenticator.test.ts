import { describe, expect, it, vi } from 'vitest';
import {
  type Authentication,
  Authenticator,
  type AuthenticatorOptions,
  type Credentials,
} from '../../../gateway/identity/authenticator.ts';
import { type DeviceSource, KnownDevices } from '../../../gateway/identity/known-devices.ts';
import type { IdentityObserver } from '../../../gateway/identity/observer.ts';
import { DeviceRegistryError, type DeviceRegistryErrorCode } from '../../../gateway/identity/registry-error.ts';
import { hashSecret, simulationCost } from '../../../gateway/identity/secret-hash.ts';
import { waitFor } from '../../support/wait-for.ts';
import { makeDevice, RegistryFolder } from './devices.ts';
import { verifyOnThreads } from './hashing.ts';

async function until(condition: () => boolean, what: string): Promise<void> {
  await waitFor(condition, { deadlineMs: 10_000, what });
}

class Events implements IdentityObserver {
  readonly seen: string[] = [];
  authenticated = (verification: string): void => void this.seen.push(verification);
  refused = (refusal: string, listener: string, deviceId: string): void =>
    void this.seen.push(`${refusal} ${listener} ${deviceId}`);
  bannedVerified = (verdict: string): void => void this.seen.push(`banned ${verdict}`);
  registryFailed = (code: string): void => void this.seen.push(code);
}

const setUp = (registry: DeviceSource | undefined, changes: Partial<AuthenticatorOptions> = {}) => {
  const events = new Events();
  const authenticator = new Authenticator({
    verifySecret: verifyOnThreads,
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
      accepts: 'secret',
    });
  return { authenticator, connect, events };
};

/** Logins with the password `right`, and what else a CONNECT brings. */
const attemptsAt =
  (authenticator: Authenticator) =>
  (username: string, more: Partial<Credentials>): Promise<Authentication> =>
    authenticator.authenticate({
      ...{ username, password: Buffer.from('right'), clientId: 'client', listener: 'devices' },
      ...{ auth: 'registry', accepts: 'secret' },
      ...more,
    });

const identity = { identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'veh-d' } };
const bad = { refused: 'bad_credentials' };

describe('the authenticator', () => {
  it('lets a device in with its secret, as what it is bound to', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
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
    await registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    expect(await connect(username, password)).toEqual(bad);
    expect(events.seen).toEqual([`bad_credentials devices ${logged}`]);
  });

  it('takes no secret where a token is wanted, also when nobody can check one', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator, events } = setUp(registry);
    const password = Buffer.from('right');
    const claim = { username: 'd', clientId: 'd', listener: 'devices', auth: 'registry', accepts: 'token' } as const;
    expect(await authenticator.authenticate({ ...claim, password })).toEqual({ refused: 'server_unavailable' });
    expect(await authenticator.authenticate({ ...claim, password: undefined })).toEqual(bad);
    expect(events.seen).toEqual(['server_unavailable devices d', 'bad_credentials devices d']);
  });

  it('tells a disabled device so, but only with the right password', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right', { enabled: false }));
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
      accepts: 'secret',
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
    await registry.add(await makeDevice('d', 'right', { secretHash }));
    const { connect, events } = setUp(registry);
    expect(await connect('d', 'right')).toEqual({ refused: 'server_unavailable' });
    expect(events.seen[0]).toBe('unusable_hash');
  });
});

describe('remembered credentials', () => {
  it('cost no hash, until the secret is rotated', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    await connect('d', 'right');
    expect(await connect('d', 'right')).toEqual(identity);
    expect(events.seen).toEqual(['hashed', 'cached']);

    await folder.open().rotate('d', await hashSecret('new', simulationCost), 1);
    expect(await connect('d', 'right')).toEqual(bad);
    expect(await connect('d', 'new')).toMatchObject(identity);
  });

  it('do not let a device in that was disabled or removed by another process', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { connect } = setUp(registry);
    await connect('d', 'right');
    await folder.open().change('d', { enabled: false });
    expect(await connect('d', 'right')).toEqual({ refused: 'not_authorized' });
    await folder.open().change('d', { enabled: true });
    expect(await connect('d', 'right')).toMatchObject(identity);
    await folder.open().remove('d');
    expect(await connect('d', 'right')).toEqual(bad);
  });

  it('are not disturbed by wrong ones', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { connect, events } = setUp(registry);
    await connect('d', 'right');
    for (let attempt = 0; attempt < 5; attempt++) expect(await connect('d', `wrong-${attempt}`)).toEqual(bad);
    expect(await connect('d', 'right')).toEqual(identity);
    expect(events.seen.at(-1)).toBe('cached');
  });

  it('stay within their limits, the wrong ones too', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (let i = 0; i < 12; i++) await registry.add(await makeDevice(`d${i}`, 'right'));
    const { connect, authenticator } = setUp(registry, { cache: { maxEntries: 5, ttlSeconds: 3600 } });
    for (let i = 0; i < 12; i++) {
      await connect(`d${i}`, 'right');
      await connect(`d${i}`, 'wrong');
      await connect(`unknown${i}`, 'right');
    }
    expect(authenticator.cacheSizes).toEqual({ right: 5, wrong: 5 });
  });
});

/** Whatever waits for nothing but its turn gets it; a thread's answer is not among that. */
const otherTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

describe('hashing', () => {
  it('is done once for all who wait for the same answer', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { connect, authenticator } = setUp(registry);
    const connects = Array.from({ length: 20 }, () => connect('d', 'right'));
    await otherTurns();
    expect(authenticator.pending).toBe(1);
    for (const result of await Promise.all(connects)) expect(result).toEqual(identity);
    expect(authenticator.pending).toBe(0);
  });

  it('goes on beside the event loop: other work runs while it is under way', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { connect, authenticator } = setUp(registry);
    const connecting = connect('d', 'right');
    // A hash on the event loop's own thread would be over before anybody else had a turn.
    await otherTurns();
    expect(authenticator.pending).toBe(1);
    await connecting;
  });

  it('is refused to more than may wait, and only to them', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (let i = 0; i < 5; i++) await registry.add(await makeDevice(`d${i}`, 'right'));
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

  it('is not done for who may not have it: right credentials that are remembered let in all the same', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator, connect, events } = setUp(registry);
    const banned = (username: string, password: string) =>
      authenticator.authenticate({
        username,
        password: Buffer.from(password),
        clientId: 'client',
        listener: 'devices',
        auth: 'registry',
        accepts: 'secret',
        withoutHash: true,
      });
    for (const username of ['d', 'unknown']) {
      expect(await banned(username, 'right')).toEqual({ refused: 'rate_exceeded' });
    }
    expect(authenticator.pending).toBe(0);
    await connect('d', 'right');
    expect(await banned('d', 'right')).toEqual(identity);
    expect(await banned('d', 'wrong')).toEqual({ refused: 'rate_exceeded' });
    // Nor does it hear that this one was found wrong before.
    for (const username of ['d', 'unknown']) {
      expect(await connect(username, 'bad')).toEqual(bad);
      expect(await banned(username, 'bad')).toEqual({ refused: 'rate_exceeded' });
    }
    expect(events.seen.filter((event) => event === 'hashed')).toHaveLength(1);
  });

  it('of a banned login is done after the answer: wrong and unknown look the same, who was right gets in the next time', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator, events } = setUp(registry, { bannedPerMinute: 60_000 });
    const attempt = attemptsAt(authenticator);
    const banned = { withoutHash: true, source: 'nat' };
    const wrong = { ...banned, password: Buffer.from('wrong') };
    const refused = { refused: 'rate_exceeded' };
    expect(await attempt('unknown', banned)).toEqual(refused);
    expect(await attempt('d', wrong)).toEqual(refused);
    await until(() => events.seen.includes('banned wrong'), 'the wrong one to be verified');
    // Known to be wrong by now, and not told, nor verified again.
    expect(await attempt('d', wrong)).toEqual(refused);
    expect(await attempt('d', banned)).toEqual(refused);
    await until(() => events.seen.includes('banned right'), 'the right one to be verified');
    expect(await attempt('d', banned)).toEqual(identity);
    expect(await attempt('unknown', banned)).toEqual(refused);
    expect(events.seen.filter((event) => event.startsWith('banned'))).toEqual(['banned wrong', 'banned right']);
    // What was wrong is not remembered where who is not banned meets it: refused sooner, it would show that there is a device.
    expect(authenticator.cacheSizes).toEqual({ right: 1, wrong: 0 });
  });

  it('of banned logins is bounded by their rate, however many passwords are tried', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator, events } = setUp(registry, { bannedPerMinute: 1 });
    const attempt = attemptsAt(authenticator);
    const guesses = Array.from({ length: 500 }, (_, i) =>
      attempt('d', { withoutHash: true, source: `address ${i % 7}`, password: Buffer.from(`guess-${i}`) }),
    );
    expect(new Set((await Promise.all(guesses)).map((answer) => 'refused' in answer && answer.refused))).toEqual(
      new Set(['rate_exceeded']),
    );
    await until(() => events.seen.includes('banned wrong'), 'the first one to be verified');
    await until(() => authenticator.pending === 0, 'hashes to end');
    expect(events.seen.filter((event) => event === 'banned wrong')).toHaveLength(1);
  });

  it('gives way where one address has filled the queue: a device from another one is let in', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator } = setUp(registry, { hashConcurrency: 1, hashQueueMax: 3 });
    const attempt = attemptsAt(authenticator);
    const flood = Array.from({ length: 20 }, (_, i) => attempt(`guess-${i}`, { source: 'flood' }));
    const honest = attempt('d', { source: 'elsewhere' });
    expect(await honest).toEqual(identity);
    const answers = (await Promise.all(flood)).map((answer) => 'refused' in answer && answer.refused);
    expect(answers.filter((refusal) => refusal === 'bad_credentials')).toHaveLength(3);
    expect(answers.filter((refusal) => refusal === 'server_busy')).toHaveLength(17);
  });

  it('is not done for who has hung up while it waited', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    const { authenticator } = setUp(registry, { hashConcurrency: 1 });
    const attempt = attemptsAt(authenticator);
    const answers = [attempt('d', { isAwaited: () => true }), attempt('unknown', { isAwaited: () => false })];
    expect(await Promise.all(answers)).toEqual([identity, { refused: 'server_busy' }]);
    // Nothing was found out, so nothing is remembered.
    expect(authenticator.cacheSizes).toEqual({ right: 1, wrong: 0 });
  });

  it('is done for who has come back meanwhile, whatever became of the first connection', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    await registry.add(await makeDevice('e', 'right'));
    const { authenticator } = setUp(registry, { hashConcurrency: 1 });
    const attempt = attemptsAt(authenticator);
    const busy = attempt('e', { isAwaited: () => true });
    const gone = attempt('d', { isAwaited: () => false });
    const back = attempt('d', { isAwaited: () => true });
    expect((await Promise.all([busy, gone, back]))[2]).toEqual(identity);
  });

  it('ends in a refusal when the device is disabled, rotated or removed meanwhile', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (const id of ['a', 'b', 'c']) await registry.add(await makeDevice(id, 'right'));
    const { connect } = setUp(registry);
    const connecting = ['a', 'b', 'c'].map((id) => connect(id, 'right'));
    await registry.change('a', { enabled: false });
    await registry.rotate('b', 'another', 1);
    await registry.remove('c');
    expect(await Promise.all(connecting)).toEqual([{ refused: 'not_authorized' }, bad, bad]);
  });
});

describe('an unknown user', () => {
  it('costs what a wrong password does: as many readings, and a hash', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right'));
    let readings = 0;
    const find = (id: string) => {
      readings += 1;
      return registry.find(id);
    };
    const { connect, authenticator } = setUp({ find });
    const costOf = async (username: string) => {
      readings = 0;
      const connecting = connect(username, 'wrong');
      await otherTurns();
      const hashes = authenticator.pending;
      await connecting;
      return { readings, hashes };
    };
    expect(await costOf('d')).toEqual({ readings: 2, hashes: 1 });
    expect(await costOf('unknown')).toEqual({ readings: 2, hashes: 1 });
  });
});

describe('while the registry does not answer', () => {
  const offline = async (folder: RegistryFolder, code: DeviceRegistryErrorCode = 'registry_unreachable') => {
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right', { groups: ['depot'] }));
    await registry.add(await makeDevice('never', 'right'));
    let isDown = false;
    const find = async (id: string) => {
      if (isDown) throw new DeviceRegistryError(code, 'gone');
      return registry.find(id);
    };
    const known = new KnownDevices({ store: { find }, maxEntries: 10, ttlSeconds: 60, offlineGraceMs: 60_000 });
    known.becameCertain();
    const setting = setUp(known);
    const goDown = (): void => {
      isDown = true;
    };
    return { ...setting, known, goDown };
  };

  it('a device gets in by what it got in with before, and by nothing else', async () => {
    using folder = new RegistryFolder();
    const { connect, events, goDown } = await offline(folder);
    await connect('d', 'right');
    goDown();
    const recalled = { deviceId: 'd', kind: 'vehicle', boundTo: 'veh-d', groups: ['depot'] };
    expect(await connect('d', 'right')).toEqual({ identity: recalled });
    expect(events.seen.slice(-2)).toEqual(['registry_unreachable', 'recalled']);
    const unavailable = { refused: 'server_unavailable' };
    expect(await connect('d', 'wrong')).toEqual(unavailable);
    expect(await connect('never', 'right')).toEqual(unavailable);
    expect(await connect('unknown', 'right')).toEqual(unavailable);
  });

  it('a wrong password that was refused before is not told from one that never was', async () => {
    using folder = new RegistryFolder();
    const { connect, goDown } = await offline(folder);
    await connect('d', 'right');
    expect(await connect('d', 'wrong')).toEqual(bad);
    goDown();
    expect(await connect('d', 'wrong')).toEqual({ refused: 'server_unavailable' });
    expect(await connect('d', 'other')).toEqual({ refused: 'server_unavailable' });
  });

  it('nobody gets in of whom a change is known', async () => {
    using folder = new RegistryFolder();
    const { connect, known, goDown } = await offline(folder);
    await connect('d', 'right');
    goDown();
    known.forget(['d']);
    expect(await connect('d', 'right')).toEqual({ refused: 'server_unavailable' });
  });

  it('more than may wait are told that the server is busy', async () => {
    const overloaded = new DeviceRegistryError('registry_overloaded', 'too many');
    const { connect } = setUp({ find: () => Promise.reject(overloaded) });
    expect(await connect('d', 'right')).toEqual({ refused: 'server_busy' });
  });

  it('as more is asked of it than it can, known devices get in, and all others hear the same: that it is busy', async () => {
    using folder = new RegistryFolder();
    const { connect, events, goDown } = await offline(folder, 'registry_overloaded');
    await connect('d', 'right');
    goDown();
    expect(await connect('d', 'right')).toHaveProperty('identity');
    expect(events.seen.slice(-2)).toEqual(['registry_overloaded', 'recalled']);
    for (const [username, password] of [
      ['d', 'wrong'],
      ['never', 'right'],
      ['unknown', 'right'],
    ] as const) {
      expect(await connect(username, password)).toEqual({ refused: 'server_busy' });
    }
  });
});

describe('a device that is bound to one certificate', () => {
  const certificate = (fingerprint: string) => ({ id: 'i', fingerprint, deviceId: 'd', validToMs: 2e12 });
  const own = 'ab'.repeat(32);
  const show = async (folder: RegistryFolder, shown: string | undefined, more: object) => {
    const registry = folder.open();
    await registry.add(await makeDevice('d', 'right', { certificateFingerprint: own }));
    const { authenticator } = setUp(registry);
    const credentials = {
      username: 'd',
      password: undefined,
      clientId: 'd',
      listener: 'l',
      auth: 'registry',
      accepts: 'secret',
    } as const;
    const result = await authenticator.authenticate({
      ...credentials,
      certificate: shown === undefined ? undefined : certificate(shown),
      ...more,
    });
    return 'refused' in result ? result.refused : 'in';
  };
  const right = { password: Buffer.from('right') };

  it.each([
    ['gets in by it', own, { certificateSuffices: true }, 'in'],
    ['gets in by it and its password', own, right, 'in'],
    ['is refused with another one of its own', 'cd'.repeat(32), { certificateSuffices: true }, 'bad_credentials'],
    ['is refused with another one also beside its password', 'cd'.repeat(32), right, 'bad_credentials'],
    ['gets in by its password where none is asked for', undefined, right, 'in'],
  ])('%s', async (_what, shown, more, expected) => {
    using folder = new RegistryFolder();
    expect(await show(folder, shown, more)).toBe(expected);
  });
});
