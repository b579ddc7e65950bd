import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delivered, isDurable, type Outcome, rejected, spooled, unanswered } from '../../../../gateway/core/outcome.ts';
import type { TrackedEvent } from '../../../../gateway/core/tracked-event.ts';
import { Core, deadLetterTopic, type LosablePublish } from './support.ts';

const windowSize = 64;
const refused = rejected({ reason: 'refused_by_kafka', detail: 'INVALID_RECORD' });

/** One boot of a device, as plainly as it can be said. */
interface Boot {
  readonly bootId: number;
  highest: number;
  readonly first: number;
  readonly settled: Set<number>;
  readonly pending: Set<number>;
}

/** What is known of devices: the same rules over sets, without bounds on devices and without bits. */
class Model {
  readonly #boots = new Map<string, Boot[]>();
  readonly counts: Record<string, number> = {};

  #count(name: string, by = 1): void {
    if (by > 0) this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  bootOf(device: string, bootId: number): Boot | undefined {
    return this.#boots.get(device)?.find((boot) => boot.bootId === bootId);
  }

  #covers({ highest }: Boot, sequence: number): boolean {
    return sequence <= highest && sequence > highest - windowSize;
  }

  sighting(device: string, bootId: number, sequence: number): 'unseen' | 'pending' | 'settled' {
    const boot = this.bootOf(device, bootId);
    if (boot === undefined || !this.#covers(boot, sequence)) return 'unseen';
    if (boot.settled.has(sequence)) return 'settled';
    return boot.pending.has(sequence) ? 'pending' : 'unseen';
  }

  mark(device: string, bootId: number, sequence: number): void {
    let boot = this.bootOf(device, bootId);
    if (boot === undefined) {
      const boots = this.#boots.get(device) ?? [];
      if (boots.length > 0) this.#count('resets');
      boot = { bootId, highest: sequence, first: sequence, settled: new Set(), pending: new Set() };
      // The present boot first; it alone becomes the one before.
      this.#boots.set(device, [boot, ...boots.slice(0, 1)]);
    } else if (sequence > boot.highest) {
      const missing = sequence - boot.highest - 1;
      if (missing > 0) this.#count('gaps');
      this.#count('missing', missing);
      boot.highest = sequence;
    } else {
      this.#count(this.#covers(boot, sequence) && sequence >= boot.first ? 'late gap' : 'late unknown');
    }
    if (this.#covers(boot, sequence)) boot.pending.add(sequence);
  }

  settle(device: string, bootId: number, sequence: number, outcome: Outcome, wasMarked: boolean): void {
    const boot = this.bootOf(device, bootId);
    if (boot !== undefined && this.#covers(boot, sequence)) {
      boot.pending.delete(sequence);
      if (isDurable(outcome)) boot.settled.add(sequence);
    }
    if (outcome.kind !== 'rejected' || !wasMarked) return;
    if (this.sighting(device, bootId, sequence) === 'settled') return;
    this.#count('gaps');
    this.#count('missing');
  }
}

type Command =
  | { readonly type: 'send'; device: string; bootId: number; qos: 0 | 1 | 2; offsets: readonly number[] }
  | { readonly type: 'settle'; at: number; outcome: Outcome }
  | { readonly type: 'lose'; at: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('send' as const),
      device: fc.constantFrom('a', 'b'),
      bootId: fc.constantFrom(1, 1, 1, 2, 3),
      qos: fc.constantFrom(0 as const, 1 as const, 1 as const, 2 as const),
      // Mostly near each other, so that they meet; now and then far enough to leave the window.
      offsets: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(150) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('settle' as const),
      at: fc.nat(20),
      outcome: fc.constantFrom<Outcome>(delivered, delivered, delivered, spooled, refused, unanswered),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lose' as const), at: fc.nat(50) }) },
);

const idOf = ({ publish, bootId, sequence }: TrackedEvent) => `${publish.identity.deviceId}:${bootId}:${sequence}`;

/** The core and the model side by side. */
class Run {
  readonly core = new Core({ windowSize });
  readonly model = new Model();
  readonly publishes: { publish: LosablePublish; ids: readonly string[] }[] = [];
  /** Ids of which a record is durable. */
  readonly durable = new Set<string>();
  /** Events that their window could remember when they were appended. */
  readonly #marked = new Set<TrackedEvent>();
  readonly #base: number;

  constructor(base: number) {
    this.#base = base;
  }

  send({ device, bootId, qos, offsets }: Extract<Command, { type: 'send' }>): void {
    const sequences = offsets.map((offset) => this.#base + offset);
    const before = this.core.sink.appended;
    const distinct = [...new Set(sequences)];
    const sightings = new Map(distinct.map((s) => [s, this.model.sighting(device, bootId, s)]));
    const copiesBefore = this.core.sequences.counts['wait refused'] ?? 0;
    const publish = this.core.send(sequences, { deviceId: device, bootId, qos });
    const refusedWaits = (this.core.sequences.counts['wait refused'] ?? 0) - copiesBefore;
    const written = this.core.sink.held.slice(this.core.sink.held.length - (this.core.sink.appended - before));
    const unseen = distinct.filter((sequence) => sightings.get(sequence) === 'unseen');
    // What is not known is written; what is settled never is; what is pending only when too many wait, or when its own
    // publish has it forgotten.
    expect(written).toHaveLength(unseen.length + refusedWaits);
    for (const { event } of written) {
      const { sequence } = event as TrackedEvent;
      expect(sightings.get(sequence)).not.toBe('settled');
      if (this.model.sighting(device, bootId, sequence) === 'unseen') this.model.mark(device, bootId, sequence);
      if (this.model.sighting(device, bootId, sequence) !== 'unseen') this.#marked.add(event as TrackedEvent);
    }
    this.publishes.push({ publish, ids: distinct.map((sequence) => `${device}:${bootId}:${sequence}`) });
  }

  settle({ at, outcome }: Extract<Command, { type: 'settle' }>): void {
    const { held } = this.core.sink;
    if (held.length === 0) return;
    const index = at % held.length;
    const record = held[index] as (typeof held)[number];
    if (record.topic !== deadLetterTopic) {
      const event = record.event as TrackedEvent;
      const { deviceId } = event.publish.identity;
      this.model.settle(deviceId, event.bootId, event.sequence, outcome, this.#marked.has(event));
      if (isDurable(outcome)) this.durable.add(idOf(event));
    }
    this.core.sink.settle(outcome, index);
  }

  run(next: Command): void {
    if (next.type === 'send') this.send(next);
    else if (next.type === 'settle') this.settle(next);
    else {
      const open = this.publishes[next.at % Math.max(1, this.publishes.length)];
      if (open !== undefined) open.publish.isLost = true;
    }
    this.check();
  }

  check(): void {
    for (const { publish, ids } of this.publishes) {
      expect(publish.answers.length).toBeLessThanOrEqual(1);
      const [outcome] = publish.answers;
      // QoS 0 promises nothing: its copy does not wait for the first one.
      if (publish.qos === 0 || outcome === undefined || !isDurable(outcome)) continue;
      for (const id of ids) expect(this.durable).toContain(id);
    }
    const unanswered = this.publishes.filter(({ publish }) => publish.answers.length === 0);
    expect(this.core.account.open).toBe(unanswered.length);
    expect(unanswered.length).toBeLessThanOrEqual(this.core.sink.held.length + this.core.windows.waitingCopies);
    for (const { came, went, held } of this.core.windows.accounts()) expect(came - went).toBe(held);
    const { gaps = 0, missing = 0, resets = 0, ...rest } = this.core.sequences.counts;
    const model = this.model.counts;
    expect([gaps, missing, resets]).toEqual([model.gaps ?? 0, model.missing ?? 0, model.resets ?? 0]);
    expect([rest['late gap'], rest['late unknown']]).toEqual([model['late gap'], model['late unknown']]);
  }

  finish(): void {
    while (this.core.sink.held.length > 0) this.settle({ type: 'settle', at: 0, outcome: delivered });
    this.check();
    for (const { publish } of this.publishes) expect(publish.answers).toHaveLength(1);
    expect(this.core.windows.waitingCopies).toBe(0);
    expect(this.core.account.open).toBe(0);
  }
}

describe('the windows of devices', () => {
  it('drop what is durable and nothing else, and answer everything once, in any interleaving', () => {
    const base = fc.constantFrom(0, 2 ** 31 - 70, 2 ** 32 - 6, 2 ** 53 - 200);
    fc.assert(
      fc.property(base, fc.array(command, { maxLength: 60 }), (from, commands) => {
        const run = new Run(from);
        for (const next of commands) run.run(next);
        run.finish();
      }),
      { numRuns: 300 },
    );
  });
});
