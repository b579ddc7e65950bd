import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import type { Outcome } from '../../../gateway/core/outcome.ts';
import type { SpoolSettings } from '../../../gateway/spool/settings.ts';
import { waitFor } from '../../support/wait-for.ts';
import { textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, FaultyFiles, settingsFor, TestDirectory } from './support.ts';

type Step =
  | { readonly kind: 'send' | 'deliver'; readonly count: number }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'down' | 'up' | 'breakDisk' | 'healDisk' | 'crash' | 'crashWithoutKafka' | 'restart' };

const keys = 5;

/** A gateway's spool and Kafka, crashed and started again as the steps say, and everything that was promised. */
class Cycle {
  readonly answered = new Set<string>();
  readonly stored: string[] = [];
  readonly #settings: Omit<SpoolSettings, 'directory'>;
  readonly #directory: string;
  #assembly!: Assembly;
  #target!: FakeTarget;
  #files!: FaultyFiles;
  #life = 0;
  #isUp = true;
  #isAttached = true;
  #sent = 0;

  constructor(directory: string, mode: SpoolSettings['mode']) {
    this.#directory = directory;
    this.#settings = settingsFor('', { mode, afterMs: 20, segmentBytes: 3000, replayMaxRecords: 300 });
  }

  async start(withKafka: boolean): Promise<void> {
    this.#files = new FaultyFiles();
    this.#target = new FakeTarget();
    this.#isAttached = withKafka;
    this.#isUp &&= withKafka;
    this.#target.isUp = this.#isUp;
    const settings = { ...this.#settings, directory: `${this.#directory}-${this.#life}` };
    this.#assembly = await assemble(settings, withKafka ? this.#target : undefined, { files: this.#files });
  }

  send(count: number): void {
    const life = this.#life;
    for (let i = 0; i < count; i++) {
      const value = `${this.#sent % keys}:${Math.floor(this.#sent / keys)}`;
      this.#sent += 1;
      const settleRecord = ({ kind }: Outcome) => {
        if (life === this.#life && kind !== 'unanswered') this.answered.add(value);
      };
      this.#assembly.sink.append('events', value.split(':')[0] as string, 1, textEncoder, value, { settleRecord });
    }
  }

  async take(step: Step): Promise<void> {
    const target = this.#target;
    if (step.kind === 'send') this.send(step.count);
    else if (step.kind === 'deliver') target.deliver(step.count);
    else if (step.kind === 'pause') await new Promise((resolve) => setTimeout(resolve, step.ms));
    else if (step.kind === 'breakDisk') this.#files.failSync = 'EIO';
    else if (step.kind === 'healDisk') this.#files.failSync = undefined;
    else if (step.kind === 'restart') await this.#restart();
    else if (step.kind === 'crash' || step.kind === 'crashWithoutKafka') await this.#crash(step.kind === 'crash');
    else if (step.kind === 'up') this.#comeUp();
    else {
      this.#isUp = false;
      target.goDown();
    }
  }

  #comeUp(): void {
    this.#isUp = true;
    this.#target.comeBack();
    if (!this.#isAttached) this.#assembly.sink.attach(this.#target);
    this.#isAttached = true;
  }

  /** What is on the disk at this moment is all that the next life has. Devices send again what was not answered. */
  async #crash(withKafka: boolean): Promise<void> {
    copyAsItIs(`${this.#directory}-${this.#life}`, `${this.#directory}-${this.#life + 1}`);
    this.#life += 1;
    this.#keepLog();
    await this.#end();
    await this.start(withKafka);
    this.#resend();
  }

  async #restart(): Promise<void> {
    this.#files.failSync = undefined;
    await this.#assembly.sink.drain(5000);
    this.#keepLog();
    copyAsItIs(`${this.#directory}-${this.#life}`, `${this.#directory}-${this.#life + 1}`);
    this.#life += 1;
    await this.#end();
    await this.start(true);
    this.#resend();
  }

  #resend(): void {
    const again = this.#sent;
    this.#sent = 0;
    const life = this.#life;
    for (let number = 0; number < again; number++) {
      const value = `${number % keys}:${Math.floor(number / keys)}`;
      if (this.answered.has(value)) continue;
      const settleRecord = ({ kind }: Outcome) => {
        if (life === this.#life && kind !== 'unanswered') this.answered.add(value);
      };
      this.#assembly.sink.append('events', value.split(':')[0] as string, 1, textEncoder, value, { settleRecord });
    }
    this.#sent = again;
  }

  #keepLog(): void {
    this.stored.push(...this.#target.values());
    this.#target.log.length = 0;
  }

  async #end(): Promise<void> {
    this.#target.goDown();
    this.#target.close();
    this.#files.failSync = undefined;
    await this.#assembly.close();
  }

  /** Everything works again; until all that was sent is answered and on Kafka. */
  async finish(): Promise<void> {
    this.#files.failSync = undefined;
    const { spool, recording } = this.#assembly;
    this.#comeUp();
    await waitFor(
      () => this.answered.size === this.#sent && spool.depth().records === 0 && this.#target.held.length === 0,
      { deadlineMs: 10_000, everyMs: 5, what: 'everything to be settled' },
    );
    expect(recording.of('damaged')).toEqual([]);
    this.#keepLog();
    await this.#end();
  }

  /** What the accounts of the life at hand are out by. */
  get imbalances(): number[] {
    return this.#assembly.sink.accounts().map(imbalanceOf);
  }

  get sent(): number {
    return this.#sent;
  }
}

/** Synchronous, so that nothing is answered meanwhile; but the disk's step at hand may be going on. */
function copyAsItIs(from: string, to: string): void {
  mkdirSync(to);
  // The cursor last: a segment that is removed meanwhile is before it.
  for (const name of readdirSync(from).sort((a, b) => Number(a === 'cursor') - Number(b === 'cursor'))) {
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

const count = fc.integer({ min: 1, max: 300 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), count }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deliver' as const), count }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 0, max: 150 }) }) },
  { weight: 3, arbitrary: fc.constantFrom({ kind: 'down' as const }, { kind: 'up' as const }) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'breakDisk' as const }, { kind: 'healDisk' as const }) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'crash' as const }, { kind: 'crashWithoutKafka' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

test('whatever happens in whatever order, nothing answered is lost, and each key is in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('outage' as const, 'always' as const),
      fc.array(step, { minLength: 5, maxLength: 25 }),
      async (mode, steps) => {
        await using directory = await TestDirectory.make();
        const cycle = new Cycle(directory.path, mode);
        await cycle.start(true);
        for (const each of steps) {
          await cycle.take(each);
          expect(cycle.imbalances).toEqual([0, 0]);
        }
        await cycle.finish();
        const first = [...new Set(cycle.stored)];
        expect(first).toHaveLength(cycle.sent);
        for (let key = 0; key < keys; key++) {
          const numbers = first.filter((value) => value.startsWith(`${key}:`)).map((value) => Number(value.slice(2)));
          expect(numbers).toEqual(numbers.map((_, index) => index));
        }
      },
    ),
    { numRuns: 25 },
  );
}, 180_000);
