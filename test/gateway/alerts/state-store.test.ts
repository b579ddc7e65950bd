import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlertFilesObserver } from '../../../gateway/alerts/observer.ts';
import { StateStore } from '../../../gateway/alerts/state-store.ts';
import { TrackedVehicles } from '../../../gateway/core/alerts/state/tracked-vehicles.ts';
import { VehicleState } from '../../../gateway/core/alerts/state/vehicle-state.ts';

let directory: string;
const open: StateStore[] = [];

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'alert-states-')), 'states');
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  rmSync(join(directory, '..'), { recursive: true, force: true });
});

class Told implements AlertFilesObserver {
  readonly lines: string[] = [];
  rulesLoaded(): void {}
  rulesRefused(): void {}
  statesRestored(vehicles: number): void {
    this.lines.push(`restored ${vehicles}`);
  }
  statesDamaged(file: string): void {
    this.lines.push(`damaged ${file.slice(directory.length + 1)}`);
  }
  snapshotWritten(vehicles: number): void {
    this.lines.push(`snapshot ${vehicles}`);
  }
  stateWriteFailed(error: unknown): void {
    this.lines.push(`failed ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** A process that keeps states. `set` settles a state that a restart must not forget. */
async function start(maxVehicles = 100_000) {
  const vehicles = new TrackedVehicles(maxVehicles);
  const observer = new Told();
  const store = await StateStore.open({ directory, snapshotMs: 3_600_000, vehicles, observer });
  open.push(store);
  const set = (vehicleId: string, sequence: number) => {
    vehicles.restore(vehicleId, stateOf(sequence));
    store.keep(vehicles.track(vehicleId));
  };
  const sequences = () =>
    Object.fromEntries(
      Array.from({ length: vehicles.size }, (_, index) => vehicles.at(index)).map(({ vehicleId, settled }) => [
        vehicleId,
        settled.sequence,
      ]),
    );
  return { vehicles, store, told: observer.lines, set, sequences };
}

function stateOf(sequence: number): VehicleState {
  const state = new VehicleState();
  state.sequence = sequence;
  state.timeUs = sequence;
  return state;
}

/** What runs at the end of a turn of the event loop has run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
const files = () =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('lock'))
    .sort();

/** What a process finds that starts after the one before was killed: the files as they are now, and nobody's lock. */
function startAfterKill(maxVehicles?: number) {
  const found = `${directory}-found`;
  cpSync(directory, found, { recursive: true });
  directory = found;
  return start(maxVehicles);
}

describe('states in files', () => {
  it('come back in the next process', async () => {
    const { set, store } = await start();
    set('a', 1);
    set('b', 2);
    await store.close();
    const { sequences, told } = await start();
    expect(sequences()).toEqual({ a: 1, b: 2 });
    expect(told).toEqual(['restored 2', 'snapshot 2']);
  });

  it('come back after a kill as they were at the end of the turn, the last of each', async () => {
    const first = await start();
    first.set('a', 1);
    first.set('b', 2);
    first.set('a', 3);
    await turn();
    expect((await startAfterKill()).sequences()).toEqual({ a: 3, b: 2 });
  });

  it('are written once for each vehicle in a turn, however often it settles', async () => {
    const { set } = await start();
    const [file] = files();
    const bytes = () => readFileSync(join(directory, file as string)).length;
    const sizes = [bytes()];
    for (const times of [1, 5]) {
      for (let i = 0; i < times; i++) set('a', 10 * times + i);
      await turn();
      sizes.push(bytes());
    }
    const [empty, once, again] = sizes as [number, number, number];
    expect(once).toBeGreaterThan(empty);
    expect(again - once).toBe(once - empty);
    expect((await startAfterKill()).sequences()).toEqual({ a: 54 });
  });

  it('are not written of a vehicle that was forgotten in the same turn', async () => {
    const { set, vehicles } = await start(1);
    set('a', 1);
    vehicles.track('another');
    await turn();
    expect((await startAfterKill()).sequences()).toEqual({});
  });

  it('come back from a snapshot that others have settled behind', async () => {
    const first = await start();
    first.set('a', 1);
    first.set('b', 1);
    await first.store.writeSnapshot();
    first.set('a', 2);
    await turn();
    expect(files()).toEqual(['states.2']);
    expect((await startAfterKill()).sequences()).toEqual({ b: 1, a: 2 });
  });

  it('come back from a snapshot that was not finished, and the file before it', async () => {
    const first = await start();
    for (let i = 0; i < 2000; i++) first.set(`veh-${i}`, 1);
    await turn();
    const snapshot = first.store.writeSnapshot();
    first.set('veh-1999', 2);
    await turn();
    expect(files()).toEqual(['states.1', 'states.2']);
    const next = await startAfterKill();
    expect(next.vehicles.size).toBe(2000);
    expect(next.sequences()).toMatchObject({ 'veh-0': 1, 'veh-1999': 2 });
    await snapshot;
  });

  it('come back with those heard of last as the last to be forgotten', async () => {
    const first = await start();
    for (const [index, id] of ['c', 'a', 'b'].entries()) first.set(id, 10 - index);
    await first.store.close();
    expect(Object.keys((await start(2)).sequences()).sort()).toEqual(['a', 'c']);
  });

  it('are those before, when the last write was cut short', async () => {
    const first = await start();
    first.set('a', 1);
    await turn();
    first.set('b', 2);
    await turn();
    const file = join(directory, files()[0] as string);
    truncateSync(file, readFileSync(file).length - 3);
    const { sequences, told } = await startAfterKill();
    expect(sequences()).toEqual({ a: 1 });
    expect(told[0]).toBe('restored 1');
  });

  it('are not taken from a damaged file, which is set aside', async () => {
    const first = await start();
    first.set('a', 1);
    first.set('b', 2);
    await first.store.close();
    const [name] = files();
    const file = join(directory, name as string);
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] as number) ^ 1;
    writeFileSync(file, bytes);
    const { sequences, told } = await start();
    expect(sequences()).toEqual({});
    expect(told).toEqual([`damaged ${name}`, 'snapshot 0']);
    expect(existsSync(`${file}.damaged`)).toBe(true);
  });

  it('are not taken from a file of another version', async () => {
    const first = await start();
    await first.store.close();
    const file = join(directory, files()[0] as string);
    writeFileSync(file, Buffer.concat([Buffer.from('EIGA\0\0\0\x09'), readFileSync(file).subarray(8)]));
    expect((await start()).told[0]).toMatch(/^damaged/);
  });

  it('are written a few in each turn of the event loop', async () => {
    const { vehicles, store } = await start();
    for (let i = 0; i < 5000; i++) vehicles.restore(`veh-${i}`, stateOf(i));
    let turns = 0;
    const counting = setInterval(() => {}, 1000);
    const count = () => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await store.writeSnapshot();
    clearImmediate(immediate);
    clearInterval(counting);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  it('keep the gateway from starting when their directory cannot be used', async () => {
    writeFileSync(join(directory, '..', 'file'), '');
    const store = StateStore.open({
      directory: join(directory, '..', 'file'),
      snapshotMs: 1000,
      vehicles: new TrackedVehicles(1),
      observer: new Told(),
    });
    await expect(store).rejects.toMatchObject({ code: 'unusable_state_directory' });
  });

  it('are of one process at a time, whose end gives them free', async () => {
    const first = await start();
    first.set('a', 1);
    const message = `alerts.state.directory ${directory}: another process has it; end it, or give each gateway a directory of its own`;
    await expect(start()).rejects.toMatchObject({ code: 'state_directory_in_use', message });
    await first.store.close();
    expect((await start()).sequences()).toEqual({ a: 1 });
  });

  it('are not kept when the disk fails, which is told, and are again with the next snapshot', async () => {
    const { set, store, told, vehicles } = await start();
    vehicles.restore('a', stateOf(1));
    // A directory where the next file should be.
    spawnSync('mkdir', [join(directory, 'states.2')]);
    await store.writeSnapshot();
    expect(told.at(-1)).toBe('failed EEXIST');
    set('a', 2);
    await turn();
    spawnSync('rmdir', [join(directory, 'states.2')]);
    await store.writeSnapshot();
    expect(told.at(-1)).toBe('snapshot 1');
    expect((await startAfterKill()).sequences()).toEqual({ a: 2 });
  });

  it('end at the last whole frame, whatever follows', async () => {
    const first = await start();
    first.set('a', 1);
    await turn();
    appendFileSync(join(directory, files()[0] as string), Buffer.from([0, 0, 1, 0, 1, 2]));
    expect((await startAfterKill()).sequences()).toEqual({ a: 1 });
  });
});
