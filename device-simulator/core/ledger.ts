import { Bitset } from './bitset.ts';

/** Highest sequence that the ledger and the verifier keep: 2²⁸ messages of one device (8 years at one per second). */
export const maxSequence = 2 ** 28 - 1;

/** What one device did in one boot. */
export interface LedgerEntry {
  /** The vehicle or bay. */
  readonly subject: string;
  readonly bootId: number;
  /** What the CloudEvents ids of its messages begin with: see `senderOf`. */
  readonly sender: string;
  readonly sent: Bitset;
  readonly acknowledged: Bitset;
  readonly rejected: Bitset;
}

/** A device by its own id; one that connects anonymously, so that it could speak for others, by its vehicle or bay, too. */
export const senderOf = (deviceId: string, subject: string, isAnonymous: boolean): string =>
  isAnonymous ? `${deviceId}/${subject}` : deviceId;

/** Where a fleet enters what it sends and what is answered, before the bytes leave and as soon as they arrive. */
export interface MessageLog {
  /** Begins the account of one boot of a device and returns its number. Throws when it exists already. */
  open(subject: string, bootId: number, sender: string): number;
  /** Sent, once more or for the first time. */
  recordSent(number: number, sequence: number): void;
  recordAcknowledged(number: number, sequence: number): void;
  /** @param code the MQTT 5 reason code */
  recordRejected(number: number, sequence: number, code: number): void;
}

/**
 * What was sent, and what was answered, by device, boot id and sequence. Three bits per message: 2,000 vehicles at one
 * message per second cost 2.7 MB an hour.
 */
export class Ledger implements MessageLog {
  readonly #entries: LedgerEntry[] = [];
  readonly #bySubject = new Map<string, Map<number, number>>();

  /** Begins the account of one boot of a device and returns its number. Throws when it exists already. */
  open(subject: string, bootId: number, sender: string): number {
    const boots = this.#bySubject.get(subject) ?? new Map<number, number>();
    this.#bySubject.set(subject, boots);
    if (boots.has(bootId)) throw new RangeError(`${subject} has booted with id ${bootId} before`);
    const entry = { subject, bootId, sender, sent: new Bitset(), acknowledged: new Bitset(), rejected: new Bitset() };
    boots.set(bootId, this.#entries.length);
    return this.#entries.push(entry) - 1;
  }

  /** The number under which a boot was opened, or undefined: not of this run. */
  find(subject: string, bootId: number): number | undefined {
    return this.#bySubject.get(subject)?.get(bootId);
  }

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  entry(number: number): LedgerEntry {
    const entry = this.#entries[number];
    if (!entry) throw new RangeError(`no account ${number}`);
    return entry;
  }

  /** Sent, once more or for the first time. Returns true for the first time. */
  recordSent(number: number, sequence: number): boolean {
    return this.entry(number).sent.add(sequence);
  }

  /** Returns false when it was acknowledged before. Only what was sent can be acknowledged. */
  recordAcknowledged(number: number, sequence: number): boolean {
    return this.#answered(number, sequence, 'acknowledged');
  }

  /** As `recordAcknowledged`, for a negative acknowledgement. */
  recordRejected(number: number, sequence: number): boolean {
    return this.#answered(number, sequence, 'rejected');
  }

  #answered(number: number, sequence: number, as: 'acknowledged' | 'rejected'): boolean {
    const entry = this.entry(number);
    if (!entry.sent.has(sequence)) throw new RangeError(`${entry.subject}: sequence ${sequence} was never sent`);
    return entry[as].add(sequence);
  }

  total(of: 'sent' | 'acknowledged' | 'rejected'): number {
    return this.#entries.reduce((sum, entry) => sum + entry[of].size, 0);
  }
}
