import { describe, expect, it } from 'vitest';
import type { Device } from '../../../gateway/identity/device.ts';
import { KnownDevices } from '../../../gateway/identity/known-devices.ts';

const device = (deviceId: string, revision = 0): Device => ({
  deviceId,
  kind: 'vehicle',
  boundTo: 'v',
  secretHash: 'h',
  enabled: true,
  createdAtMs: 0,
  rotatedAtMs: undefined,
  groups: [],
  certificateFingerprint: undefined,
  revision,
});

/** A registry whose answers are given by hand, and what is known of it. */
const scene = (offlineGraceMs = 60_000) => {
  const answers: ((row: Device | undefined) => void)[] = [];
  let nowMs = 0;
  const known = new KnownDevices({
    store: { find: () => new Promise((resolve) => void answers.push(resolve)) },
    maxEntries: 3,
    ttlSeconds: 3600,
    offlineGraceMs,
    monotonicMs: () => nowMs,
  });
  const turns = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const answer = async (row: Device | undefined) => {
    answers.shift()?.(row);
    await turns();
  };
  const passMs = (ms: number): void => {
    nowMs += ms;
  };
  return { known, answers, answer, passMs };
};

describe('a row that is being read', () => {
  it('is read again when a change of it is told meanwhile', async () => {
    const { known, answer } = scene();
    const found = known.find('d');
    known.forget(['d']);
    await answer(device('d', 1));
    await answer(device('d', 2));
    expect(await found).toMatchObject({ revision: 2 });
  });

  it('is read again for all who wait for it, and not for who came after the change', async () => {
    const { known, answers, answer } = scene();
    const before = [known.find('d'), known.find('d')];
    known.forget(['d']);
    const after = known.find('d');
    expect(answers).toHaveLength(3);
    await answer(device('d', 1));
    await answer(device('d', 1));
    await answer(device('d', 2));
    expect(await after).toMatchObject({ revision: 2 });
    await answer(device('d', 2));
    await answer(device('d', 2));
    expect(await Promise.all(before)).toMatchObject([{ revision: 2 }, { revision: 2 }]);
  });

  it('is read again when changes may have been missed', async () => {
    const { known, answer } = scene();
    const found = known.find('d');
    known.outdateReadings();
    await answer(device('d', 1));
    await answer(undefined);
    expect(await found).toBeUndefined();
  });

  it('is not read again for a change of another device', async () => {
    const { known, answer } = scene();
    const found = known.find('d');
    known.forget(['e']);
    await answer(device('d'));
    expect(await found).toMatchObject({ deviceId: 'd' });
  });

  it('is given up when it changes all the time', async () => {
    const { known, answer } = scene();
    const found = known.find('d').catch((error: { code: string }) => error.code);
    for (let change = 0; change < 5; change += 1) {
      known.forget(['d']);
      await answer(device('d', change));
    }
    expect(await found).toBe('registry_busy');
  });
});

describe('a row that is remembered', () => {
  it('counts for the time of grace after changes are seen no more, and no longer', () => {
    const { known, passMs } = scene();
    known.becameCertain();
    known.remember(device('d'));
    passMs(3_000_000);
    expect(known.recall('d')).toMatchObject({ deviceId: 'd' });
    known.becameUncertain();
    passMs(60_000);
    known.becameUncertain();
    expect(known.recall('d')).toMatchObject({ deviceId: 'd' });
    expect(known.isGraceOver).toBe(false);
    passMs(1);
    expect(known.recall('d')).toBeUndefined();
    expect(known.isGraceOver).toBe(true);
    known.becameCertain();
    expect(known.recall('d')).toMatchObject({ deviceId: 'd' });
  });

  it('does not count without a time of grace', () => {
    const { known } = scene(0);
    known.becameCertain();
    known.remember(device('d'));
    expect(known.recall('d')).toBeUndefined();
  });

  it('does not count any more when a change of it was told, or found', () => {
    const { known } = scene();
    for (const id of ['a', 'b', 'c']) known.remember(device(id, 1));
    known.forget(['a']);
    known.compare(
      ['b', 'c'],
      new Map([
        ['b', device('b', 2)],
        ['c', device('c', 1)],
      ]),
    );
    expect(['a', 'b', 'c'].map((id) => known.recall(id)?.deviceId)).toEqual([undefined, undefined, 'c']);
    known.compare(['c'], new Map());
    expect(known.recall('c')).toBeUndefined();
  });

  it('makes room for others', () => {
    const { known } = scene();
    for (const id of ['a', 'b', 'c', 'd']) known.remember(device(id));
    expect(known.size).toBe(3);
    expect(known.recall('a')).toBeUndefined();
  });
});
