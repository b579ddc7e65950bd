import { Bitset } from '../../device-simulator/core/bitset.ts';
import { createFleet } from '../../device-simulator/core/fleet.ts';
import { Ledger } from '../../device-simulator/core/ledger.ts';
import { entryKinds, type LedgerEntry, type LedgerHeader } from '../fleet/ledger-format.ts';
import type { LedgerVisitor } from '../fleet/read-ledger.ts';
import { Contents } from './contents.ts';

/** A stretch of time, milliseconds since the epoch, both ends included. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A fleet's ledger as the judge needs it: a few bytes per message, so that millions of them cost tens of megabytes. Devices are
 * numbered by their position in the fleet, here as in `ledger`.
 */
export class Account implements LedgerVisitor {
  readonly ledger = new Ledger();
  /** By device: messages that were invalid on purpose. */
  readonly invalid: Bitset[] = [];
  /** By device: acknowledged messages whose events are not looked for. A dead letter never is excused. */
  readonly excused: Bitset[] = [];
  /** By device: messages at QoS 0, which nobody answers and which Kafka may never get. */
  readonly sentOnce: Bitset[] = [];
  /** How often something was sent again. */
  resent = 0;
  /** By device and sequence: what each message says, as a checksum. */
  readonly #contents: Contents[] = [];
  /** The same: how often it was sent again, for those that were. */
  readonly #resentTimes: Map<number, number>[] = [];
  readonly #ignored: readonly TimeSpan[];
  readonly #untilMs: number;

  /**
   * @param ignored events that were acknowledged in these times are excused: they were deleted on purpose
   * @param untilMs later answers do not count, as if they had not come yet
   */
  constructor(ignored: readonly TimeSpan[] = [], untilMs = Number.POSITIVE_INFINITY) {
    this.#ignored = ignored;
    this.#untilMs = untilMs;
  }

  begin({ runId, vehicles }: LedgerHeader): void {
    for (const { boundTo, bootId, deviceId } of createFleet({ vehicles, bays: 0, runId })) {
      this.ledger.open(boundTo, bootId, deviceId);
      this.invalid.push(new Bitset());
      this.excused.push(new Bitset());
      this.sentOnce.push(new Bitset());
      this.#contents.push(new Contents());
      this.#resentTimes.push(new Map());
    }
  }

  entry({ device, sequence, kind, atMs, content }: LedgerEntry): void {
    switch (kind) {
      case entryKinds.invalid:
        this.invalid[device]?.add(sequence);
        return;
      case entryKinds.sentAgain:
        this.resent += 1;
        this.#resentTimes[device]?.set(sequence, this.resentTimes(device, sequence) + 1);
        this.ledger.recordSent(device, sequence);
        return;
      case entryKinds.content:
        this.#contents[device]?.set(sequence, content);
        return;
      case entryKinds.sent:
        this.ledger.recordSent(device, sequence);
        return;
      case entryKinds.sentOnce:
        this.sentOnce[device]?.add(sequence);
        this.ledger.recordSent(device, sequence);
        return;
      case entryKinds.acknowledged:
        if (atMs > this.#untilMs) return;
        this.ledger.recordAcknowledged(device, sequence);
        if (this.#isIgnored(atMs) && !this.invalid[device]?.has(sequence)) this.excused[device]?.add(sequence);
        return;
      case entryKinds.rejected:
        if (atMs <= this.#untilMs) this.ledger.recordRejected(device, sequence);
    }
  }

  /** What a message says, as a checksum; undefined when the ledger does not tell. */
  contentOf(device: number, sequence: number): number | undefined {
    return this.#contents[device]?.get(sequence);
  }

  /** How often a message was sent again. */
  resentTimes(device: number, sequence: number): number {
    return this.#resentTimes[device]?.get(sequence) ?? 0;
  }

  #isIgnored(atMs: number): boolean {
    return this.#ignored.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
  }
}
