import { readdir } from 'node:fs/promises';
import type { FileLayer } from '../../../gateway/spool/file-layer.ts';
import type { SpoolSettings } from '../../../gateway/spool/settings.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestKeys } from '../encryption/support.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { assemble, FakeTarget, settingsFor } from './support.ts';

export const encrypted = (directory: string, changes: Partial<SpoolSettings> = {}) =>
  settingsFor(directory, { encrypted: true, ...changes });
export const secret = 'where the vehicle is';
export const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 10_000, everyMs: 2, what });
export const segmentsOf = async (directory: string) =>
  (await readdir(directory)).filter((name) => name.endsWith('.segment')).sort();
const recordText = (index: number) => `${secret} ${index}`;
export const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => recordText(from + index));

/** Spools records in groups of ten, so that there are several frames, and closes. */
export async function spooled(
  settings: SpoolSettings,
  keys: TestKeys | undefined,
  from: number,
  count: number,
): Promise<void> {
  const { sink, close } = await assemble(settings, undefined, keys === undefined ? {} : { keys });
  const settlements = new Settlements();
  for (let done = 0; done < count; done += 10) {
    for (const value of numbers(from + done, from + done + 10)) {
      sink.append('events', 'veh-1', 1, textEncoder, value, settlements.of(value));
    }
    await wait('durable records', () => settlements.names('spooled').length === done + 10);
  }
  await close();
}

/** What the next process makes of the spool: the values of records that Kafka gets, and the segments that it finds damaged. */
export async function replayed(settings: SpoolSettings, keys: TestKeys | undefined, files?: FileLayer) {
  const target = new FakeTarget();
  const options = { ...(keys === undefined ? {} : { keys }), ...(files === undefined ? {} : { files }) };
  const { spool, recording, close } = await assemble(settings, target, options);
  await wait('the replay', () => spool.depth().records === 0);
  await close();
  const damaged = recording.of('damaged').map(([name]) => name);
  return { values: target.values(), damaged };
}
