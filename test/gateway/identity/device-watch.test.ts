import { describe, expect, it, onTestFinished } from 'vitest';
import type { Identity } from '../../../gateway/core/identity.ts';
import type { Device } from '../../../gateway/identity/device.ts';
import { DeviceWatch } from '../../../gateway/identity/device-watch.ts';
import { KnownDevices } from '../../../gateway/identity/known-devices.ts';
import { DeviceRegistryError } from '../../../gateway/identity/registry-error.ts';
import { waitFor } from '../../support/wait-for.ts';
import { makeDevice } from './devices.ts';

const down = new DeviceRegistryError('registry_unreachable', 'down');

/** A registry in memory that can be down, and a watch over it. */
class Scene {
  readonly rows = new Map<string, Device>();
  readonly live = new Set<string>();
  /** What was found of devices, in words. */
  readonly used: string[] = [];
  readonly events: string[] = [];
  isDown = false;
  readings = 0;
  readonly known = new KnownDevices({
    store: { find: async (id) => this.rows.get(id) },
    maxEntries: 1000,
    ttlSeconds: 60,
    offlineGraceMs: 60_000,
  });
  readonly watch = new DeviceWatch({
    store: { findAll: async (ids) => this.#findAll(ids) },
    known: this.known,
    live: () => this.live,
    use: (now) => this.#use(now),
    observer: {
      changesSeen: (devices) => void this.events.push(`changes ${devices}`),
      connectionsEnded: (connections) => void this.events.push(`ended ${connections}`),
      watchLost: (code) => void this.events.push(code),
      watchResumed: () => void this.events.push('resumed'),
      registryFailed: (code) => void this.events.push(code),
    },
    retryMs: 1,
  });

  constructor() {
    onTestFinished(() => this.watch.close());
  }

  async put(deviceId: string, revision: number, enabled = true): Promise<Device> {
    const device = await makeDevice(deviceId, 's', { enabled });
    const row = { ...device, groups: [], certificateFingerprint: undefined, revision };
    this.rows.set(deviceId, row);
    return row;
  }

  async #findAll(ids: readonly string[]): Promise<Map<string, Device>> {
    this.readings += 1;
    if (this.isDown) throw down;
    return new Map(
      ids.flatMap((id) => {
        const row = this.rows.get(id);
        return row === undefined ? [] : [[id, row] as const];
      }),
    );
  }

  #use(now: ReadonlyMap<string, Identity | undefined>): number {
    for (const [id, identity] of now)
      this.used.push(identity === undefined ? `${id} ended` : `${id} ${identity.revision}`);
    return now.size;
  }

  until(condition: () => boolean): Promise<true> {
    return waitFor(condition, { deadlineMs: 5000, what: () => JSON.stringify([this.events, this.used]) });
  }
}

describe('the watch over the registry', () => {
  it('says of a device that has changed what it is now, and that one is disabled or gone', async () => {
    const scene = new Scene();
    scene.watch.resumed();
    await scene.put('changed', 5);
    await scene.put('off', 6, false);
    scene.watch.changed(['changed', 'off', 'gone']);
    await scene.until(() => scene.used.length === 3);
    expect(scene.used).toEqual(['changed 5', 'off ended', 'gone ended']);
    expect(scene.events).toContain('ended 3');
  });

  it('has a change that was made here hold at once, without being told of it', async () => {
    const scene = new Scene();
    scene.known.remember(await scene.put('d', 1));
    scene.watch.resumed();
    await scene.put('d', 2);
    await scene.put('off', 3, false);
    expect(await scene.watch.changedHere('d')).toBe(1);
    expect(scene.known.recall('d')).toBeUndefined();
    await scene.watch.changedHere('off');
    expect(scene.used).toEqual(expect.arrayContaining(['d 2', 'off ended']));
  });

  it('ends what was granted before a change that was made here, also while its row can not be read', async () => {
    const scene = new Scene();
    scene.watch.resumed();
    await scene.put('d', 2);
    scene.isDown = true;
    expect(await scene.watch.changedHere('d')).toBe(1);
    expect(scene.used).toEqual(['d ended']);
    scene.isDown = false;
    await scene.until(() => scene.used.includes('d 2'));
  });

  it('forgets what is known of a device before it reads what it is now', async () => {
    const scene = new Scene();
    scene.known.remember(await scene.put('d', 1));
    scene.watch.resumed();
    await scene.until(() => scene.events.includes('resumed'));
    scene.isDown = true;
    scene.watch.changed(['d']);
    expect(scene.known.recall('d')).toBeUndefined();
  });

  it('reads again what it could not read, until it can', async () => {
    const scene = new Scene();
    scene.watch.resumed();
    await scene.until(() => scene.events.includes('resumed'));
    scene.isDown = true;
    scene.watch.changed(['d']);
    await scene.until(() => scene.readings > 3);
    expect(scene.used).toEqual([]);
    scene.isDown = false;
    await scene.until(() => scene.used.includes('d ended'));
  });

  it('compares all that is live or remembered after a time in which changes may have been missed', async () => {
    const scene = new Scene();
    scene.watch.resumed();
    for (const id of ['same', 'changed', 'off']) scene.known.remember(await scene.put(id, 1));
    for (const id of ['same', 'changed', 'session']) scene.live.add(id);
    scene.watch.lost(down);
    await scene.put('changed', 2);
    await scene.put('off', 3, false);
    scene.events.length = 0;
    scene.watch.resumed();
    await scene.until(() => scene.events.includes('resumed'));
    expect(scene.used.sort()).toEqual(['changed 2', 'off ended', 'same 1', 'session ended']);
    expect(['same', 'changed', 'off'].map((id) => scene.known.recall(id)?.deviceId)).toEqual([
      'same',
      undefined,
      undefined,
    ]);
    expect(scene.known.uncertainMs).toBe(0);
  });

  it('is certain of nothing while that is not done', async () => {
    const scene = new Scene();
    scene.live.add('d');
    scene.isDown = true;
    scene.watch.resumed();
    await scene.until(() => scene.readings > 0);
    scene.watch.lost(down);
    expect(scene.known.uncertainMs).toBeGreaterThan(0);
    expect(scene.watch.isWatching).toBe(false);
    scene.isDown = false;
    scene.watch.resumed();
    await scene.until(() => scene.events.includes('resumed'));
    expect(scene.used).toEqual(['d ended']);
  });

  it('reads many changes in portions, and everything live when there are too many', async () => {
    const scene = new Scene();
    scene.watch.resumed();
    await scene.until(() => scene.events.includes('resumed'));
    scene.readings = 0;
    scene.watch.changed(Array.from({ length: 1200 }, (_, i) => `d-${i}`));
    await scene.until(() => scene.used.length === 1200);
    expect(scene.readings).toBe(3);
    scene.used.length = 0;
    scene.live.add('live');
    scene.watch.changed(Array.from({ length: 60_000 }, (_, i) => `e-${i}`));
    await scene.until(() => scene.used.includes('live ended'));
    expect(scene.used.length).toBeLessThan(1000);
  });
});
