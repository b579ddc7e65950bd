import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Mutant } from './mutant.ts';
import { spoolMutants } from './spool-mutants.ts';

export type { Mutant } from './mutant.ts';

const ingest = 'gateway/core/ingest.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'early-acknowledgement',
    what: 'answers a publish when its record is in an open batch, before Kafka has it',
    edits: [
      {
        file: ingest,
        find: 'const rejection = pipeline.run(publish, sink);',
        replace: `const rejection = pipeline.run(publish, sink);
    if (rejection === undefined) {
      publish.answer({ kind: 'delivered' });
      publish.answer = () => {};
    }`,
      },
    ],
    scenario: 'gateway-kill',
    expects: 'lost',
    // Something must be in an open batch at the moment of the kill.
    settings: { kafka: { lingerMs: 200 } },
  },
  {
    name: 'leader-only',
    what: 'produces with acks=1: the leader answers before any other replica has the record',
    edits: [
      {
        file: 'gateway/kafka/produce-protocol.ts',
        find: 'const allInSyncReplicas = -1;',
        replace: 'const allInSyncReplicas = 1;',
      },
    ],
    scenario: 'followers-hang-leader-dies',
    expects: 'lost',
  },
  {
    name: 'swapped-records',
    what: 'lets one of 200 publishes of a vehicle be passed by the next one of the same vehicle',
    edits: [
      {
        file: ingest,
        find: 'receive(publish: Publish): void {',
        replace: `receive(publish: Publish): void {
    this.taken = (this.taken ?? 0) + 1;
    if (this.held === undefined && publish.qos === 1 && this.taken % 200 === 0) {
      this.held = publish;
      setTimeout(() => {
        if (this.held !== publish) return;
        this.held = undefined;
        this.take(publish);
      }, 2000);
      return;
    }
    this.take(publish);
    if (this.held !== undefined && this.held.identity.boundTo === publish.identity.boundTo) {
      const held = this.held;
      this.held = undefined;
      this.take(held);
    }
  }

  take(publish: Publish): void {`,
      },
    ],
    scenario: 'none',
    expects: 'outOfOrder',
  },
  {
    name: 'mixed-reading',
    what: "writes one of 50 events with the odometer of the event before: another vehicle's reading under the right name",
    edits: [
      {
        file: 'gateway/core/stages/enrich.ts',
        find: 'return new TrackedEvent(publish, subject, key, timeUs, bootId, sequence, fingerprint, message);',
        replace: `const mixed = (globalThis.mixed ??= { taken: 0, odometerM: undefined });
  const odometerM = message?.odometerM;
  mixed.taken += 1;
  if (mixed.taken % 50 === 0 && odometerM !== mixed.odometerM) message.odometerM = mixed.odometerM;
  mixed.odometerM = odometerM;
  return new TrackedEvent(publish, subject, key, timeUs, bootId, sequence, fingerprint, message);`,
      },
    ],
    scenario: 'none',
    expects: 'altered',
  },
  {
    name: 'dropped-letter',
    what: 'answers one of a thousand rejected publishes without having written its dead letter',
    edits: [
      {
        file: ingest,
        find: '#deadLetter(publish: Publish, rejection: Rejection, unkept = 0): void {',
        replace: `#deadLetter(publish: Publish, rejection: Rejection, unkept = 0): void {
    this.letters = (this.letters ?? 0) + 1;
    if (this.letters % 1000 === 0) {
      this.#reject(publish, rejection, true);
      return;
    }`,
      },
    ],
    scenario: 'none',
    expects: 'lostLetters',
    fleet: { ratePerSecond: 1000, rejectShare: 0.6 },
  },
  {
    name: 'reused-sequence',
    what: 'stamps one of 20 batches with the sequence number of the batch before: the broker takes it for a repetition, drops it, and acknowledges it',
    edits: [
      {
        file: 'gateway/kafka/sequence.ts',
        find: 'batch.stamp(this.#identity as ProducerIdentity, this.#next);',
        replace: `this.stamps = (this.stamps ?? 0) + 1;
    if (this.stamps > 20 && this.lastRecords === batch.records && this.#next >= batch.records) {
      this.stamps = 0;
      this.takeBack(batch.records);
    }
    this.lastRecords = batch.records;
    batch.stamp(this.#identity as ProducerIdentity, this.#next);`,
      },
    ],
    scenario: 'none',
    expects: 'lost',
  },
  {
    name: 'no-watermarks',
    what: 'goes on reading, however much Kafka has not taken',
    edits: [
      {
        file: 'gateway/core/watermarks.ts',
        find: 'this.#change(this.#reaches(this.#hard) ? 2 : 1);',
        replace: '',
      },
    ],
    scenario: 'cut-all-brokers',
    expects: 'memory',
  },
  ...spoolMutants,
];

/** @throws {Error} when there is none of this name */
export function mutantNamed(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`there is no mutant ${name}`);
  return found;
}

/** Arguments of Node for a gateway that has the mistake. */
export function preloadOf({ name }: Mutant): string[] {
  const preload = pathToFileURL(join(import.meta.dirname, 'preload.ts'));
  preload.searchParams.set('mutant', name);
  return ['--import', preload.href];
}
