import {
  type CopyKind,
  copyKinds,
  type LatePlace,
  latePlaces,
  type SequenceObserver,
} from '../core/duplicates/observer.ts';
import type { DeviceEvent } from '../core/event.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** What the sequences of devices tell: copies, gaps, late arrivals, new starts. */
export class SequenceEvents implements SequenceObserver {
  readonly #log: Log;
  readonly #copies = new Tally<CopyKind>('kind', copyKinds);
  readonly #late = new Tally<LatePlace>('place', latePlaces);
  #gaps = 0;
  #missing = 0;
  #resets = 0;
  #reused = 0;
  #waitsRefused = 0;
  #forgotten = 0;
  #untracked = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportSequences(metrics);
    this.#exportLimits(metrics);
  }

  gap(missing: number): void {
    this.#gaps += 1;
    this.#missing += missing;
  }

  late(place: LatePlace): void {
    this.#late.add(place);
  }

  reset(): void {
    this.#resets += 1;
  }

  copy(kind: CopyKind): void {
    this.#copies.add(kind);
  }

  reused(event: DeviceEvent): void {
    this.#reused += 1;
    const text =
      'an event has the id of another and is no copy of it, and is rejected: the device uses sequence numbers twice';
    this.#log.writeLimited('warn', 'sequence_reused', text, {
      deviceId: clip(event.publish.identity.deviceId),
      bootId: event.bootId,
      sequence: event.sequence,
    });
  }

  waitRefused(): void {
    this.#waitsRefused += 1;
  }

  forgotten(): void {
    this.#forgotten += 1;
  }

  untracked(): void {
    this.#untracked += 1;
  }

  #exportSequences(metrics: Metrics): void {
    metrics.counters(
      'edge_duplicate_events_total',
      'Events that nothing was written for, by what they are copies of: a settled event, a pending one, one of the same publish.',
      ['kind'],
      () => this.#copies.samples(),
    );
    metrics.counter('edge_sequence_gaps_total', 'Gaps in the sequences of devices.', () => this.#gaps);
    metrics.counter(
      'edge_sequence_missing_total',
      'Events that were missing in those gaps when they were noticed; less what came late into a gap, what is missing still.',
      () => this.#missing,
    );
    metrics.counters(
      'edge_sequence_late_total',
      'Events that came behind a later one of their device: into a gap, or where nothing is known any more, or yet.',
      ['place'],
      () => this.#late.samples(),
    );
    metrics.counter('edge_device_resets_total', 'Devices that came with a boot id that was new.', () => this.#resets);
    metrics.counter(
      'edge_sequence_reused_total',
      'Events with the id of another one that they are no copies of: their device uses sequence numbers twice; rejected (reused_sequence).',
      () => this.#reused,
    );
  }

  #exportLimits(metrics: Metrics): void {
    metrics.counter(
      'edge_duplicate_waits_refused_total',
      'Copies that were written, as too many waited for how their first one ends.',
      () => this.#waitsRefused,
    );
    metrics.counter(
      'edge_duplicate_devices_forgotten_total',
      'Devices whose windows made room for others.',
      () => this.#forgotten,
    );
    metrics.counter(
      'edge_duplicate_untracked_total',
      'Events written without being remembered, as all devices that there is room for had unsettled ones.',
      () => this.#untracked,
    );
  }
}
