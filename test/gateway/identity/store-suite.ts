import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChangeListener, type DeviceStore, listDevices } from '../../../gateway/identity/device-store.ts';
import { importDevices } from '../../../gateway/identity/import-devices.ts';
import { simulationCost } from '../../../gateway/identity/secret-hash.ts';
import { waitFor } from '../../support/wait-for.ts';
import { makeDevice } from './devices.ts';

/** A registry that several processes may open at the same time. */
export interface SharedRegistry extends AsyncDisposable {
  /** Opens it once more; closed with the whole. */
  open(): Promise<DeviceStore>;
}

/** What is promised of a change that somebody else makes. */
const seenWithinMs = 5_000;

/** What a store was told, in words. */
export class Told implements ChangeListener {
  readonly seen: string[] = [];
  changed = (deviceIds: readonly string[]): void => void this.seen.push(...deviceIds);
  lost = (error: { readonly code: string }): void => void this.seen.push(`lost: ${error.code}`);
  resumed = (): void => void this.seen.push('resumed');
}

const fingerprint = 'ab'.repeat(32);

/** What holds for every store. Each test has an empty registry. */
export function storeSuite(name: string, make: () => Promise<SharedRegistry>): void {
  describe(name, () => {
    let shared: SharedRegistry;
    let gateway: DeviceStore;
    let command: DeviceStore;
    beforeAll(async () => {
      shared = await make();
      gateway = await shared.open();
      command = await shared.open();
    });
    afterAll(() => shared?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      for await (const { deviceId } of listDevices(command)) await command.remove(deviceId);
    });

    it('gives back what was added, also to who opens it later', async () => {
      const bay = await makeDevice('b-1', 's', {
        kind: 'bay',
        enabled: false,
        rotatedAtMs: 7,
        groups: ['depot', 'night'],
        certificateFingerprint: fingerprint,
      });
      expect(await gateway.add(bay)).toBe(true);
      const found = await (await shared.open()).find('b-1');
      expect(found).toEqual({ ...bay, revision: expect.any(Number) });
      expect(await command.find('b-2')).toBeUndefined();
    });

    it('holds neither groups nor a certificate of a device that has none', async () => {
      await gateway.add(await makeDevice('d', 's'));
      expect(await gateway.find('d')).toMatchObject({ groups: [], certificateFingerprint: undefined });
    });

    it('refuses an id that is taken and changes nothing', async () => {
      const first = await makeDevice('d', 'one');
      await gateway.add(first);
      expect(await command.add(await makeDevice('d', 'two'))).toBe(false);
      expect(await gateway.find('d')).toMatchObject({ secretHash: first.secretHash });
    });

    it('takes an id for what it is, whatever is in it', async () => {
      await gateway.add(await makeDevice('d', 's'));
      for (const id of ["d' OR '1'='1", 'd%', 'd\0', '', 'D']) expect(await gateway.find(id)).toBeUndefined();
    });

    it('shows each change of another connection at once', async () => {
      await command.add(await makeDevice('d', 'one'));
      expect(await gateway.find('d')).toMatchObject({ enabled: true });
      await command.change('d', { enabled: false });
      expect(await gateway.find('d')).toMatchObject({ enabled: false });
      await command.rotate('d', 'new-hash', 9);
      expect(await gateway.find('d')).toMatchObject({ secretHash: 'new-hash', rotatedAtMs: 9 });
      await command.remove('d');
      expect(await gateway.find('d')).toBeUndefined();
    });

    it('changes what is named, and leaves the rest', async () => {
      await gateway.add(await makeDevice('d', 's', { groups: ['a'], certificateFingerprint: fingerprint }));
      await gateway.change('d', { boundTo: 'veh-2' });
      const rest = { enabled: true, kind: 'vehicle', groups: ['a'], certificateFingerprint: fingerprint };
      expect(await gateway.find('d')).toMatchObject({ ...rest, boundTo: 'veh-2' });
      await gateway.change('d', { enabled: false, kind: 'bay', groups: [], certificateFingerprint: null });
      const now = { enabled: false, kind: 'bay', boundTo: 'veh-2', groups: [], certificateFingerprint: undefined };
      expect(await gateway.find('d')).toMatchObject(now);
    });

    it('says of a change what the device was before, also where others change it at the same time', async () => {
      const device = await makeDevice('d', 's', { groups: ['a'], certificateFingerprint: fingerprint });
      await gateway.add(device);
      const changes = Array.from({ length: 8 }, (_, index) => ({ boundTo: `veh-new-${index}` }));
      const before = await Promise.all(
        changes.map((change, index) => (index % 2 === 0 ? gateway : command).change('d', change)),
      );
      const last = await gateway.find('d');
      const all = [device.boundTo, ...changes.map(({ boundTo }) => boundTo)];
      expect(new Set([...before.map((row) => row?.boundTo), last?.boundTo])).toEqual(new Set(all));
      for (const row of before) expect(row).toMatchObject({ groups: ['a'], certificateFingerprint: fingerprint });
    });

    it('leaves the revision where a change makes nothing another', async () => {
      await gateway.add(await makeDevice('d', 's', { groups: ['a'] }));
      await gateway.change('d', { boundTo: 'veh-2', enabled: false });
      const { revision } = (await gateway.find('d')) ?? {};
      await gateway.change('d', { boundTo: 'veh-2', enabled: false, groups: ['a'], certificateFingerprint: null });
      expect(await gateway.find('d')).toMatchObject({ revision });
    });

    it('reports changes of devices that do not exist', async () => {
      const changes = [gateway.rotate('d', 'h', 1), gateway.change('d', { boundTo: 'v' }), gateway.remove('d')];
      expect(await Promise.all(changes)).toEqual([false, undefined, false]);
    });

    it('gives a row another revision with each change, also when it was removed and added again', async () => {
      const device = await makeDevice('d', 's');
      await gateway.add(device);
      const revisions = new Set<number | undefined>();
      const look = async () => revisions.add((await gateway.find('d'))?.revision);
      await look();
      await gateway.change('d', { enabled: false });
      await look();
      await gateway.change('d', { groups: ['x'] });
      await look();
      await gateway.remove('d');
      await gateway.add(device);
      await look();
      expect(revisions.size).toBe(4);
      await gateway.change('d', { enabled: true });
      await look();
      expect(revisions.size).toBe(4);
    });

    it('lists in the order of the ids, by kind and group where asked, in pages', async () => {
      await gateway.addAll([
        await makeDevice('c', 's', { kind: 'bay', groups: ['x', 'y'] }),
        await makeDevice('a', 's', { groups: ['x'] }),
        await makeDevice('B', 's'),
        await makeDevice('b', 's'),
      ]);
      const ids = async (filter = {}) => {
        const found: string[] = [];
        for await (const { deviceId } of listDevices(gateway, filter)) found.push(deviceId);
        return found.join();
      };
      expect(await ids()).toBe('B,a,b,c');
      expect(await ids({ kind: 'bay' })).toBe('c');
      expect(await ids({ group: 'x' })).toBe('a,c');
      expect(await ids({ group: 'x', kind: 'vehicle' })).toBe('a');
      expect((await gateway.page({}, 'a', 1)).map(({ deviceId }) => deviceId)).toEqual(['b']);
      expect(await gateway.count()).toBe(4);
    });

    it('finds several at once', async () => {
      await gateway.addAll([await makeDevice('a', 's'), await makeDevice('b', 's')]);
      const found = await gateway.findAll(['b', 'unknown', 'a', 'a']);
      expect([...found.keys()].sort()).toEqual(['a', 'b']);
    });

    it('adds many devices or none', async () => {
      const devices = await Promise.all(Array.from({ length: 2500 }, (_, i) => makeDevice(`d-${i}`, 's')));
      await command.add(await makeDevice('d-2400', 'other'));
      expect(await gateway.addAll(devices)).toEqual(['d-2400']);
      expect(await gateway.count()).toBe(1);
      await command.remove('d-2400');
      expect(await gateway.addAll(devices)).toEqual([]);
      expect(await gateway.count()).toBe(2500);
    });

    it('takes an import, all of it or nothing', async () => {
      await gateway.add(await makeDevice('taken', 's'));
      const rows = ['one', 'taken'].map((deviceId) => ({ deviceId, kind: 'bay', boundTo: 'b', groups: ['g'] }));
      const refused = await importDevices(gateway, rows, { cost: simulationCost });
      expect(refused).toEqual({ problems: [{ line: 2, problem: 'device taken is registered already' }], further: 0 });
      expect(await gateway.count()).toBe(1);
      expect(await importDevices(gateway, rows.slice(0, 1), { cost: simulationCost })).toEqual({ added: 1 });
      expect(await command.find('one')).toMatchObject({ groups: ['g'] });
    });

    it('tells within seconds which devices somebody else has changed, and of no others', async () => {
      for (const id of ['a', 'b', 'c', 'd', 'e']) await command.add(await makeDevice(id, 's'));
      const watching = await shared.open();
      const told = new Told();
      watching.watch(told);
      await waitFor(() => told.seen.includes('resumed'), { deadlineMs: seenWithinMs, what: 'the watch' });
      await command.change('a', { enabled: false });
      await command.rotate('b', 'h', 1);
      await command.change('c', { groups: ['x'] });
      await command.remove('d');
      // What is as it was is no change, and a new device has nothing to end.
      await command.change('e', { enabled: true });
      await command.add(await makeDevice('f', 's'));
      const seen = () => told.seen.filter((word) => word !== 'resumed');
      const what = () => `changes, not ${told.seen.join()}`;
      await waitFor(() => seen().length >= 4, { deadlineMs: seenWithinMs, what });
      expect(seen().sort()).toEqual(['a', 'b', 'c', 'd']);
    });
  });
}
