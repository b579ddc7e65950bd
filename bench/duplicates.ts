import { DeviceWindows } from '../gateway/core/duplicates/device-windows.ts';
import type { SequenceObserver } from '../gateway/core/duplicates/observer.ts';
import { delivered } from '../gateway/core/outcome.ts';
import { Publish } from '../gateway/core/publish.ts';
import { TrackedEvent } from '../gateway/core/tracked-event.ts';
import { median } from './measure/median.ts';

/**
 * `node --expose-gc bench/duplicates.ts`: what the windows of devices cost where everything is in order. CPU per event
 * from its look-up to its settlement, with and without them, and the memory of a device. A batch of events is pending at
 * a time, of as many devices, which come in turns.
 */
const devices = 10_000;
const events = 2_000_000;
const batch = 500;
const rounds = 7;
const settings = { maxDevices: 100_000, windowSize: 1024, maxWaitingCopies: 10_000, maxWaitingBytes: 16_777_216 };

const unexpected = (): never => {
  throw new Error('the events are not in order');
};
const observer: SequenceObserver = {
  ...{ gap: unexpected, late: unexpected, reset: unexpected, copy: unexpected },
  ...{ reused: unexpected, waitRefused: unexpected, forgotten: unexpected, untracked: unexpected },
};

class SilentPublish extends Publish {
  readonly identity;
  readonly topic = '';
  readonly payload = new Uint8Array(0);
  readonly qos = 1;
  readonly receivedAtMs = 0;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;

  constructor(deviceId: string) {
    super();
    this.identity = { deviceId, kind: 'vehicle', boundTo: deviceId } as const;
  }
  answer(): void {}
}

// As of sessions: each has its own text of the device's id.
const ids = Array.from({ length: devices }, (_, i) => `device-${String(i).padStart(6, '0')}`);

/** Nanoseconds of CPU per event. */
function run(windows: DeviceWindows | undefined): number {
  const pending: TrackedEvent[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < events; i++) {
    const id = ids[i % devices] as string;
    const publish = new SilentPublish(id);
    const sequence = Math.floor(i / devices);
    const message = { eventTimeUs: 1_760_000_000_000_000 + i };
    const event = new TrackedEvent(publish, id, id, message.eventTimeUs, 4_000_000_000, sequence, '', message);
    publish.expect(1);
    if (windows !== undefined) look(windows, event, id);
    else event.appended(undefined, -1);
    pending.push(event);
    if (pending.length < batch) continue;
    for (const settled of pending) settled.settleRecord(delivered);
    pending.length = 0;
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / events;
}

/** What the pipeline does. */
function look(windows: DeviceWindows, event: TrackedEvent, id: string): void {
  let place = windows.placeOf(id);
  if (windows.sighting(place, event.bootId, event.sequence) !== 0) throw new Error('taken for a copy');
  if (place < 0) place = windows.takePlace(id);
  event.appended(windows, place);
}

function bytesPerDevice(): number {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const windows = new DeviceWindows(settings, observer);
  for (let i = 0; i < settings.maxDevices; i++) {
    const place = windows.takePlace(`device-${i}-${'x'.repeat(12)}`);
    const id = ids[0] as string;
    new TrackedEvent(new SilentPublish(id), id, id, 0, 1, i, '', {}).appended(windows, place);
  }
  globalThis.gc?.();
  const bytes = process.memoryUsage().rss - before;
  if (windows.devices !== settings.maxDevices) throw new Error('devices are missing');
  return bytes / settings.maxDevices;
}

const without: number[] = [];
const withWindows: number[] = [];
for (let round = 0; round < rounds; round++) {
  without.push(run(undefined));
  withWindows.push(run(new DeviceWindows(settings, observer)));
}
const figures = { nsWithout: median(without.slice(1)), nsWith: median(withWindows.slice(1)) };
console.log(JSON.stringify({ ...figures, bytesPerDevice: Math.round(bytesPerDevice()) }));
