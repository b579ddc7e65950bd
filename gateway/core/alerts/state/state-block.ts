import { utf8Length, writeUtf8 } from '../../headers/utf8.ts';
import { numbersOfState, VehicleState } from './vehicle-state.ts';

/**
 * States of vehicles as bytes, one behind the other. Numbers are big-endian:
 *
 *     vehicle id · nine float64: timeUs, bootId, sequence, speedMps, speedTimeUs, peakMps, peakTimeUs, odometerM,
 *     faultTimeUs · uint8 batteryLow · three lists: faultCodes, inside, left
 *
 * A text is its length in bytes (uint16) and UTF-8, a list the number of its texts (uint16) and these. Whoever changes
 * this changes the version of the files, see `gateway/alerts/state-file.ts`.
 */
const numbersBytes = numbersOfState * 8;
const firstBytes = 4096;
const maxLength = 0xffff;
const none: readonly string[] = [];

/** States that wait to be written to a file, in bytes. */
export class StateBlock {
  #bytes = new Uint8Array(firstBytes);
  #view = new DataView(this.#bytes.buffer);
  /** Bytes in use. */
  length = 0;

  /** Valid until the next call of anything here. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  /** @returns false, and nothing is written, when the vehicle's id has more than 65,535 bytes, or a list as many texts. */
  add(vehicleId: string, state: VehicleState): boolean {
    const idBytes = utf8Length(vehicleId);
    if (idBytes > maxLength || state.inside.length > maxLength || state.left.length > maxLength) return false;
    this.#reserve(
      2 + idBytes + numbersBytes + 1 + listBytes(state.faultCodes) + listBytes(state.inside) + listBytes(state.left),
    );
    this.#putText(vehicleId, idBytes);
    this.#putNumbers(state);
    this.#bytes[this.length++] = state.batteryLow ? 1 : 0;
    this.#putList(state.faultCodes);
    this.#putList(state.inside);
    this.#putList(state.left);
    return true;
  }

  #putNumbers(state: VehicleState): void {
    const view = this.#view;
    const { numbers } = state;
    for (let i = 0; i < numbersOfState; i++) view.setFloat64(this.length + 8 * i, numbers[i] as number);
    this.length += numbersBytes;
  }

  #putList(texts: readonly string[]): void {
    this.#putLength(texts.length);
    for (let i = 0; i < texts.length; i++) this.#putText(texts[i] as string, utf8Length(texts[i] as string));
  }

  #putText(text: string, bytes: number): void {
    this.#putLength(bytes);
    this.length = writeUtf8(text, this.#bytes, this.length);
  }

  #putLength(length: number): void {
    this.#view.setUint16(this.length, length);
    this.length += 2;
  }

  #reserve(more: number): void {
    let size = this.#bytes.length;
    if (this.length + more <= size) return;
    while (size < this.length + more) size *= 2;
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Fault codes are at most 64 of 32 characters, ids of fences have at most 128: of these no length exceeds 65,535. */
function listBytes(texts: readonly string[]): number {
  let bytes = 2;
  for (let i = 0; i < texts.length; i++) bytes += 2 + utf8Length(texts[i] as string);
  return bytes;
}

/**
 * Hands every state of a block to `restore`.
 *
 * @returns false when the bytes are no such block; then states before the defect have been handed over.
 */
export function readStates(bytes: Uint8Array, restore: (vehicleId: string, state: VehicleState) => void): boolean {
  const reader = new StateReader(bytes);
  try {
    while (!reader.isAtEnd) restore(reader.text(), reader.state());
    return true;
  } catch (error) {
    // Past the end, or no UTF-8.
    if (error instanceof RangeError || error instanceof TypeError) return false;
    throw error;
  }
}

class StateReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  state(): VehicleState {
    const state = new VehicleState();
    for (let i = 0; i < numbersOfState; i++) state.numbers[i] = this.#number();
    state.batteryLow = this.#view.getUint8(this.#at++) === 1;
    state.faultCodes = this.#list();
    state.inside = this.#list();
    state.left = this.#list();
    return state;
  }

  text(): string {
    const length = this.#length();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('a text runs past the end');
    const text = readUtf8(this.#bytes, this.#at, end);
    this.#at = end;
    return text;
  }

  #list(): readonly string[] {
    const count = this.#length();
    return count === 0 ? none : Array.from({ length: count }, () => this.text());
  }

  #number(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  #length(): number {
    const length = this.#view.getUint16(this.#at);
    this.#at += 2;
    return length;
  }
}

/** What `writeUtf8` wrote. */
function readUtf8(bytes: Uint8Array, from: number, end: number): string {
  let text = '';
  for (let at = from; at < end; ) {
    const first = bytes[at] as number;
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let point = more === 0 ? first : first & (0x3f >> more);
    for (let i = 1; i <= more; i++) point = (point << 6) | ((bytes[at + i] as number) & 0x3f);
    // Throws a RangeError for what is no code point.
    text += String.fromCodePoint(point);
    at += more + 1;
  }
  return text;
}
