import type { DeviceEvent } from '../event.ts';

/**
 * What an event that arrives behind a later one of its boot was. `gap`: it had been counted as missing. `unknown`: too
 * far back for the window, or before the first that this gateway has seen; whether it is a copy cannot be told.
 */
export const latePlaces = ['gap', 'unknown'] as const;
export type LatePlace = (typeof latePlaces)[number];

/**
 * Of which event a copy was recognised: one that is durable, one whose end is awaited, or an earlier one of the same
 * publish.
 */
export const copyKinds = ['settled', 'pending', 'same_publish'] as const;
export type CopyKind = (typeof copyKinds)[number];

/** What the sequences of devices tell. In the usual case, the next sequence in order, nothing is called. */
export interface SequenceObserver {
  /** An event came ahead of `missing` others; one that Kafka refused for good leaves a gap of 1. */
  gap(missing: number): void;
  late(place: LatePlace): void;
  /** A device has started anew. */
  reset(): void;
  /** An event that nothing was written for. */
  copy(kind: CopyKind): void;
  /** An event has the sequence of another and cannot be its copy, so that it is rejected: the device uses sequences twice. */
  reused(event: DeviceEvent): void;
  /** A copy was written, as too many are waiting already, or its own publish has the first one forgotten. */
  waitRefused(): void;
  /** The device quiet for longest was forgotten, to make room for another. */
  forgotten(): void;
  /** An event was written without being remembered: every device that there is room for has unsettled events. */
  untracked(): void;
}
