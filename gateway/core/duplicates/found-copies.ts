import { duplicate, unanswered } from '../outcome.ts';
import type { Publish } from '../publish.ts';
import type { TrackedEvent } from '../tracked-event.ts';
import type { DeviceWindows } from './device-windows.ts';
import { type CopyKind, copyKinds } from './observer.ts';
import { pending, settled } from './sequence-windows.ts';

/** The events of a publish for which nothing is written, as they are copies of others. */
export class FoundCopies {
  /** How many there are that need nothing further. */
  readonly #known: Record<CopyKind, number> = { settled: 0, pending: 0, same_publish: 0 };
  /** Copies of events that are pending. */
  readonly #waiting: TrackedEvent[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  addKnown(kind: CopyKind): void {
    this.#known[kind] += 1;
  }

  addWaiting(event: TrackedEvent): void {
    this.#waiting.push(event);
  }

  /** Announces to the publish what `settle` will report. Must be called before the first of its records is appended. */
  announce(publish: Publish): void {
    publish.expect(this.#waiting.length + (this.#hasKnown ? 1 : 0));
  }

  /** Everything else of the publish was appended: reports what is known, and has the rest wait. */
  settle(publish: Publish, windows: DeviceWindows, place: number): void {
    const { observer } = windows;
    for (const kind of copyKinds) {
      for (let i = 0; i < this.#known[kind]; i++) observer.copy(kind);
    }
    const bytes = Math.ceil(publish.payload.length / this.#waiting.length);
    for (const event of this.#waiting) {
      observer.copy('pending');
      wait(event, windows, place, bytes);
    }
    if (this.#hasKnown) publish.settleRecord(duplicate);
  }

  get #hasKnown(): boolean {
    return copyKinds.some((kind) => this.#known[kind] > 0);
  }
}

function wait(event: TrackedEvent, windows: DeviceWindows, place: number, bytes: number): void {
  const sighting = windows.sighting(place, event.bootId, event.sequence);
  if (sighting === pending) windows.wait(place, event, bytes);
  // Whoever appended the rest of the publish may have been told meanwhile how the first copy ended.
  else event.publish.settleRecord(sighting === settled ? duplicate : unanswered);
}
