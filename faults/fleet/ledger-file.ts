import { closeSync, openSync, writeSync } from 'node:fs';
import type { MessageLog } from '../../device-simulator/core/ledger.ts';
import {
  type EntryKind,
  encodeHeader,
  entryBytes,
  entryKinds,
  type LedgerHeader,
  writeEntry,
} from './ledger-format.ts';

const bufferBytes = 4096 * entryBytes;
/** 49 days; a run is shorter. */
const maxSinceStartMs = 0xffff_ffff;

/**
 * The fleet's ledger on disk. What is sent is with the operating system before the call returns, so before the bytes can
 * reach a socket: no record that Kafka has can be missing here, however this process ends. Answers follow within the turn
 * of the event loop; one that is lost with the process was at worst a promise that nobody heard of.
 *
 * Every write error is thrown: a fleet without its ledger must not send.
 */
export class LedgerFile implements MessageLog {
  readonly #file: number;
  readonly #startedAtMs: number;
  readonly #buffer = Buffer.alloc(bufferBytes);
  readonly #highestSent: Float64Array;
  #opened = 0;
  #filled = 0;
  #flushIsDue = false;

  /** Begins a new file. Throws when it exists already: a ledger is of one run. */
  constructor(path: string, header: LedgerHeader) {
    this.#startedAtMs = header.startedAtMs;
    this.#highestSent = new Float64Array(header.vehicles);
    this.#file = openSync(path, 'ax');
    this.#write(encodeHeader(header));
  }

  /** Devices are opened in the order of their positions in the fleet. */
  open(): number {
    this.#opened += 1;
    return this.#opened - 1;
  }

  /** Notes that this message, which has yet to be sent, is invalid on purpose. */
  recordInvalid(device: number, sequence: number): void {
    this.#append(device, sequence, entryKinds.invalid, 0);
  }

  /** Notes what this message, which has yet to be sent, says. */
  recordContent(device: number, sequence: number, content: number): void {
    this.#append(device, sequence, entryKinds.content, 0, content);
  }

  recordSent(device: number, sequence: number): void {
    const again = sequence <= (this.#highestSent[device] as number);
    if (!again) this.#highestSent[device] = sequence;
    this.#append(device, sequence, again ? entryKinds.sentAgain : entryKinds.sent, 0);
    this.flush();
  }

  /** The same, of a message at QoS 0. */
  recordSentOnce(device: number, sequence: number): void {
    this.#highestSent[device] = sequence;
    this.#append(device, sequence, entryKinds.sentOnce, 0);
    this.flush();
  }

  recordAcknowledged(device: number, sequence: number): void {
    this.#append(device, sequence, entryKinds.acknowledged, 0);
    this.#flushSoon();
  }

  recordRejected(device: number, sequence: number, code: number): void {
    this.#append(device, sequence, entryKinds.rejected, code);
    this.#flushSoon();
  }

  flush(): void {
    if (this.#filled === 0) return;
    this.#write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #append(device: number, sequence: number, kind: EntryKind, code: number, value = this.#sinceStartMs()): void {
    if (this.#filled === bufferBytes) this.flush();
    writeEntry(this.#buffer, this.#filled, device, sequence, value, kind, code);
    this.#filled += entryBytes;
  }

  #sinceStartMs(): number {
    return Math.min(maxSinceStartMs, Math.max(0, Math.round(Date.now() - this.#startedAtMs)));
  }

  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.flush();
    });
  }

  #write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
  }
}
