import { randomUUID } from 'node:crypto';
import { withheldDetail } from '../gateway/core/dead-letter-encoder.ts';
import { AlreadyThere, quietEnds } from '../record-log/already-there.ts';
import { type Cluster, readUncommitted } from '../record-log/cluster.ts';
import { RecordLogError } from '../record-log/errors.ts';
import { offsetsOf } from '../record-log/offsets.ts';
import type { Pacer } from '../record-log/pacer.ts';
import type { RecordWriter, Refusal } from '../record-log/record-writer.ts';
import type { Reporter } from '../record-log/reporter.ts';
import { nameOf } from './event-name.ts';
import type { Judge } from './judge.ts';
import { isReplayable, type Letter, positionOf } from './letter.ts';
import type { LetterTopic } from './letter-topic.ts';
import { type Note, type NoteContext, type Notes, noteRecord, type OpenRound } from './notes.ts';
import { countReplayed, noCounts, type Replayed } from './replay-counts.ts';

export interface ReplayOptions {
  readonly cluster: Cluster;
  readonly topic: LetterTopic;
  readonly notes: Notes;
  readonly judge: Judge;
  /** Undefined: judge only, write nothing. */
  readonly writer: RecordWriter | undefined;
  /** Topics of events. */
  readonly eventTopics: readonly string[];
  readonly context: NoteContext;
  readonly pacer: Pacer;
  /** Letters of a round. */
  readonly roundLetters: number;
  readonly maxAttempts: number;
  readonly wanted: (letter: Letter) => boolean;
  readonly stopping: AbortSignal;
  readonly reporter: Reporter;
}

/** Notes of rounds have one key, so that they lie in one partition, in their order. */
const roundKey = 'dead-letter-replay';

/** What a killed replay wrote is dated up to so much later than the time at which its round began. */
const roundReachMs = 3_600_000;

/**
 * Replays letters in rounds. A round begins with a note of where the topics of events end; then the events of its letters
 * are written; when Kafka has them all, a note for each letter says what became of it. So whatever a killed replay wrote
 * without a note lies behind the ends that its last round began with, and is found there by event id and attempt. As long as
 * something was found and its letter not noted yet, a new round keeps those ends: it may be killed in its turn.
 *
 * Order per key is the lane's: the letters of a device lie in one partition in the order in which they were received, they
 * are written in that order, and the producer keeps it.
 */
export class LetterReplay {
  readonly #options: ReplayOptions;
  readonly #there = new AlreadyThere();
  readonly counts = noCounts();
  #ends: Record<string, Record<string, number>> = {};
  #failed: Refusal | undefined;
  #seen = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** @returns whether it came to the end; false: it was stopped. @throws {RecordLogError} */
  async run(): Promise<boolean> {
    const { topic, notes, writer, stopping, roundLetters } = this.#options;
    if (writer !== undefined && notes.openRound !== undefined) await this.#findEvents(notes.openRound);
    let round: Replayed[] = [];
    for await (const letters of topic.letters()) {
      for (const letter of letters) {
        this.#seen += 1;
        const attempt = this.#attemptOf(letter);
        if (attempt === undefined) continue;
        round.push({ letter: owned(letter), attempt, refusal: undefined, found: false });
        if (round.length < roundLetters) continue;
        await this.#replay(round);
        round = [];
        if (stopping.aborted) break;
      }
      if (stopping.aborted) break;
      this.#report();
    }
    if (!stopping.aborted && round.length > 0) await this.#replay(round);
    const isFinished = !stopping.aborted;
    if (writer !== undefined && (isFinished || this.#there.isEmpty)) {
      await this.#note({ kind: 'round', state: 'closed', ends: this.#ends });
    }
    return isFinished;
  }

  /** Which attempt is due; undefined: none. */
  #attemptOf(letter: Letter): number | undefined {
    const { wanted, notes, maxAttempts } = this.#options;
    if (!wanted(letter) && !this.#isBegun(letter)) return undefined;
    const { counts } = this;
    counts.letters += 1;
    const state = notes.of(positionOf(letter));
    if (state.accepted) counts.replayedBefore += 1;
    else if (!isReplayable(letter)) counts.incomplete += 1;
    else if (state.attempts >= maxAttempts) counts.exhausted += 1;
    else return state.attempts + 1;
    return undefined;
  }

  /** An earlier replay wrote events of it and no note: it is brought to its end, whatever is asked for now. */
  #isBegun(letter: Letter): boolean {
    const { writer, notes, judge } = this.#options;
    if (writer === undefined || notes.openRound === undefined) return false;
    const { accepted, attempts } = notes.of(positionOf(letter));
    if (accepted || !isReplayable(letter)) return false;
    const verdict = judge.judge(letter, attempts + 1);
    if ('rejection' in verdict) return false;
    return verdict.records.some((record) => this.#there.has(nameOf(record.topic, record) ?? ''));
  }

  async #replay(round: readonly Replayed[]): Promise<void> {
    const { writer } = this.#options;
    if (writer === undefined) {
      for (const replayed of round) this.#judgeOnly(replayed);
      return;
    }
    await this.#beginRound();
    for (const replayed of round) await this.#write(replayed, writer);
    await writer.settle();
    for (const replayed of round) {
      countReplayed(this.counts, replayed);
      const { letter, attempt, refusal } = replayed;
      const position = positionOf(letter);
      const outcome = refusal === undefined ? 'accepted' : 'rejected';
      const message = this.#options.context.withholdDetails ? withheldDetail : refusal?.detail;
      const why = refusal === undefined ? {} : { reason: refusal.reason, message: message ?? '' };
      const key = letter.identity.boundTo || letter.identity.deviceId;
      const note: Note = { kind: 'outcome', letter: position, attempt, outcome, ...why };
      this.#append(note, key, `${position}:${attempt}`);
    }
    await this.#settled();
    this.#report();
  }

  #judgeOnly(replayed: Replayed): void {
    const verdict = this.#options.judge.judge(replayed.letter, replayed.attempt);
    if ('rejection' in verdict) replayed.refusal = verdict.rejection;
    countReplayed(this.counts, replayed);
  }

  async #write(replayed: Replayed, writer: RecordWriter): Promise<void> {
    const { judge, pacer } = this.#options;
    while (!pacer.take()) await pacer.due();
    const verdict = judge.judge(replayed.letter, replayed.attempt);
    if ('rejection' in verdict) {
      replayed.refusal = verdict.rejection;
      return;
    }
    for (const record of verdict.records) {
      if (this.#there.take(nameOf(record.topic, record) ?? '')) {
        replayed.found = true;
        continue;
      }
      await writer.write(record.topic, record, (refusal) => {
        replayed.refusal ??= refusal;
      });
    }
  }

  async #beginRound(): Promise<void> {
    const { cluster, eventTopics, notes } = this.#options;
    const ends: Record<string, Record<string, number>> = {};
    for (const topic of eventTopics) {
      const earlier = this.#there.isEmpty ? undefined : notes.openRound?.ends[topic];
      ends[topic] = earlier ?? Object.fromEntries(await offsetsOf(cluster, topic, 'latest', readUncommitted));
    }
    this.#ends = ends;
    await this.#note({ kind: 'round', state: 'open', ends });
  }

  async #note(note: Note): Promise<void> {
    this.#append(note, roundKey, randomUUID());
    await this.#settled();
  }

  #append(note: Note, key: string, id: string): void {
    const { writer, context } = this.#options;
    writer?.append(context.deadLetterTopic, noteRecord(note, key, id, Date.now(), context), (refusal) => {
      this.#failed ??= refusal;
    });
  }

  async #settled(): Promise<void> {
    await this.#options.writer?.settle();
    if (this.#failed === undefined) return;
    const { reason, detail } = this.#failed;
    const { deadLetterTopic } = this.#options.context;
    throw new RecordLogError('refused', `${deadLetterTopic} does not take a note of the replay: ${reason}: ${detail}`);
  }

  /** What a killed replay wrote without noting it down. */
  async #findEvents({ atMs, ends }: OpenRound): Promise<void> {
    const { cluster, reporter, eventTopics } = this.#options;
    reporter.say(`an earlier replay was cut short at ${new Date(atMs).toISOString()}: looking for what it wrote`);
    for (const [topic, from] of Object.entries(ends)) {
      // A route may have gone since, and its topic with it.
      if (!eventTopics.includes(topic)) continue;
      // Devices write there all the time: what is dated much later was written later, too.
      const latest = await quietEnds(cluster, topic);
      const late = await offsetsOf(cluster, topic, { timeMs: atMs + roundReachMs }, readUncommitted);
      const until = new Map([...latest].map(([partition, end]) => [partition, late.get(partition) ?? end]));
      const starts = new Map(Object.entries(from).map(([partition, offset]) => [Number(partition), offset]));
      await this.#there.read(cluster, topic, starts, (record) => nameOf(topic, record), until);
    }
  }

  #report(): void {
    const { reporter, topic } = this.#options;
    const { accepted, rejected } = this.counts;
    reporter.progress(
      () => `${this.#seen} of at most ${topic.size} letters read, ${accepted} accepted, ${rejected} rejected`,
    );
  }
}

/** With bytes of its own: those of the batch that it was read from may be used again. */
const owned = (letter: Letter): Letter => ({ ...letter, payload: Buffer.from(letter.payload) });
