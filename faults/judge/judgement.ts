import { Bitset } from '../../device-simulator/core/bitset.ts';
import { type KafkaEvent, Reconciler } from '../../device-simulator/core/reconcile.ts';
import type { Account } from './account.ts';
import { Findings, type VerdictFinding } from './findings.ts';

/** A record of the dead-letter topic whose payload could be read. */
export interface Letter {
  readonly topic: string;
  readonly partition: number;
  readonly subject: string;
  readonly bootId: number;
  readonly sequence: number;
  /** Checksum of what it says. */
  readonly content: number;
}

/** A record of the events topic, with the checksum of what it says. */
export interface JudgedEvent extends KafkaEvent {
  readonly content: number;
}

/** What was promised to a fleet, against what Kafka has. Messages are counted once, however often they were sent. */
export interface Verdict extends Readonly<Record<VerdictFinding, number>> {
  readonly sent: number;
  readonly acked: number;
  readonly rejected: number;
  /** Sent, and neither acknowledged nor rejected; whether Kafka has it or not, no promise was broken. Without QoS 0. */
  readonly unanswered: number;
  /** Sent at QoS 0, which nobody answers: `sent` is these, `acked`, `rejected` and `unanswered`. */
  readonly sentOnce: number;
  /** Of these, the ones that Kafka has, as events or as dead letters. */
  readonly sentOnceStored: number;
  /** Times that something was sent again, from the ledger: each can be in Kafka twice. */
  readonly resent: number;
  /**
   * Duplicates beyond the times that their message was sent: part of `duplicated`. However much was sent again elsewhere
   * does not explain them.
   */
  readonly unexplained: number;
  /** Records whose content was compared with what was sent. */
  readonly compared: number;
  /** Acknowledged, and their events not looked for. */
  readonly excused: number;
  /** Different messages of this fleet on the events topic. */
  readonly inKafka: number;
  /** The same on the dead-letter topic. */
  readonly inDeadLetters: number;
  /** Duplicates on the dead-letter topic; part of `duplicated`. */
  readonly duplicatedLetters: number;
  /** The first few of each finding, the worst findings first, for people. */
  readonly examples: readonly string[];
}

/**
 * Judges record by record. The records of one partition are given in the order of their offsets; partitions and topics
 * may be mixed in any way. The topics are the fleet's alone: what is on them and not of the fleet is a phantom.
 *
 * - lost: answered, and in neither topic, or a lost letter
 * - lostLetters: invalid or rejected, answered, and not on the dead-letter topic
 * - phantom: on a topic, and never sent by this fleet
 * - outOfOrder: an event's first appearance on a partition after that of a later one of its vehicle. Letters are not held
 *   to it: one that Kafka refuses is written again in another form, behind those that came meanwhile
 * - split: vehicles with records on more than one partition of a topic
 * - wrongPartition, wrongId: as in `Reconciler`
 * - misjudged: an invalid message on the events topic, or a valid one on the dead-letter topic
 * - altered: a record that says something else than its message did when it was sent
 * - duplicated: records beyond the first of a message, on either topic
 */
export class Judgement {
  readonly #account: Account;
  readonly #events: Reconciler;
  readonly #letters: (Bitset | undefined)[] = [];
  readonly #partitionBySubject = new Map<string, Map<string, number | 'several'>>();
  readonly #found = new Findings();
  #duplicatedLetters = 0;
  /** By device and sequence: records beyond the first, on whatever topic. */
  readonly #repeated: Map<number, number>[] = [];
  #unexplained = 0;
  #compared = 0;

  constructor(account: Account) {
    this.#account = account;
    this.#events = new Reconciler(account.ledger);
  }

  /** Takes a record of the events topic. */
  observeEvent(event: JudgedEvent): void {
    const device = this.#account.ledger.find(event.subject, event.bootId);
    if (device !== undefined) {
      if (this.#events.hasSeen(device, event.sequence)) this.#repeat(device, event.sequence);
      this.#compare(device, event);
    }
    this.#events.observe(event);
    this.#place(event);
  }

  /** Takes a record of the dead-letter topic. */
  observeLetter(letter: Letter): void {
    this.#place(letter);
    const { ledger } = this.#account;
    const device = ledger.find(letter.subject, letter.bootId);
    if (device === undefined || !ledger.entry(device).sent.has(letter.sequence)) {
      this.#found.add('phantom', () => nameOf(letter));
      return;
    }
    this.#compare(device, letter);
    const seen = this.#letters[device] ?? new Bitset();
    this.#letters[device] = seen;
    if (seen.add(letter.sequence)) return;
    this.#duplicatedLetters += 1;
    this.#repeat(device, letter.sequence);
    this.#found.add('duplicated', () => nameOf(letter));
  }

  /** Takes a record, of either topic, from which nobody can tell whose it is. */
  observeUnreadable(topic: string, partition: number, offset: string): void {
    this.#found.add('phantom', () => `unreadable record ${topic}/${partition} at offset ${offset}`);
  }

  /** The verdict over everything observed. What is lost can only be known when all records have been observed. */
  conclude(): Verdict {
    const { ledger, resent, excused, sentOnce } = this.#account;
    const answered = this.#judgeAnswers();
    const events = this.#events.conclude();
    for (const finding of ['outOfOrder', 'wrongPartition', 'wrongId', 'duplicated', 'phantom'] as const) {
      this.#found.addAll(finding, events[finding], events.examples[finding]);
    }
    // The topics are this fleet's alone.
    this.#found.addAll('phantom', events.foreign, ['records of devices or boots that are not of this fleet']);
    return {
      ...this.#found.counts,
      sent: events.sent,
      acked: events.acked,
      rejected: events.rejected,
      unanswered: ledger.total('sent') - answered - sizeOf(sentOnce),
      sentOnce: sizeOf(sentOnce),
      sentOnceStored: this.#storedOf(sentOnce),
      resent,
      unexplained: this.#unexplained,
      compared: this.#compared,
      excused: sizeOf(excused),
      inKafka: events.inKafka,
      inDeadLetters: sizeOf(this.#letters),
      duplicatedLetters: this.#duplicatedLetters,
      examples: this.#found.examples,
    };
  }

  /** Looks for the record of every message. Returns how many messages have an answer. */
  #judgeAnswers(): number {
    let answered = 0;
    for (const [device, { sent, acknowledged, rejected }] of this.#account.ledger.entries.entries()) {
      for (const sequence of sent) {
        const wasRejected = rejected.has(sequence);
        const hasAnswer = wasRejected || acknowledged.has(sequence);
        if (hasAnswer) answered += 1;
        this.#judgeMessage(device, sequence, hasAnswer, wasRejected);
      }
    }
    return answered;
  }

  #judgeMessage(device: number, sequence: number, hasAnswer: boolean, wasRejected: boolean): void {
    const { invalid, excused } = this.#account;
    const isInvalid = invalid[device]?.has(sequence) ?? false;
    const isEvent = this.#events.hasSeen(device, sequence);
    const isLetter = this.#letters[device]?.has(sequence) ?? false;
    const name = (): string => this.#messageName(device, sequence);
    if (isInvalid ? isEvent : isLetter) this.#found.add('misjudged', name);
    if (!hasAnswer) return;
    const needsLetter = isInvalid || wasRejected;
    if (needsLetter ? isLetter : isEvent || isLetter || excused[device]?.has(sequence)) return;
    this.#found.add('lost', name);
    if (needsLetter) this.#found.add('lostLetters', name);
  }

  #storedOf(messages: readonly Bitset[]): number {
    let stored = 0;
    for (const [device, sequences] of messages.entries()) {
      for (const sequence of sequences) {
        if (this.#events.hasSeen(device, sequence) || this.#letters[device]?.has(sequence)) stored += 1;
      }
    }
    return stored;
  }

  /** Each time that a message was sent again explains one more record of it, and no more. */
  #repeat(device: number, sequence: number): void {
    const repeated = this.#repeated[device] ?? new Map<number, number>();
    this.#repeated[device] = repeated;
    const times = (repeated.get(sequence) ?? 0) + 1;
    repeated.set(sequence, times);
    if (times > this.#account.resentTimes(device, sequence)) this.#unexplained += 1;
  }

  #compare(device: number, record: Letter | JudgedEvent): void {
    const sent = this.#account.contentOf(device, record.sequence);
    if (sent === undefined) return;
    this.#compared += 1;
    if (sent !== record.content) this.#found.add('altered', () => nameOf(record));
  }

  #place({ topic, subject, partition }: Letter | KafkaEvent): void {
    const partitions = this.#partitionBySubject.get(topic) ?? new Map<string, number | 'several'>();
    if (partitions.size === 0) this.#partitionBySubject.set(topic, partitions);
    const before = partitions.get(subject);
    if (before === undefined) partitions.set(subject, partition);
    if (before === undefined || before === 'several' || before === partition) return;
    partitions.set(subject, 'several');
    this.#found.add('split', () => `${subject} on ${topic}/${before} and ${topic}/${partition}`);
  }

  #messageName(device: number, sequence: number): string {
    const { subject, bootId } = this.#account.ledger.entry(device);
    return `${subject} boot ${bootId} sequence ${sequence}`;
  }
}

const nameOf = ({ subject, bootId, sequence, topic, partition }: Letter | KafkaEvent): string =>
  `${subject} boot ${bootId} sequence ${sequence} on ${topic}/${partition}`;

const sizeOf = (sets: readonly (Bitset | undefined)[]): number => sets.reduce((sum, set) => sum + (set?.size ?? 0), 0);
