import { Buffer, isUtf8 } from 'node:buffer';
import { type ReasonCode, reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';

const nothing = Buffer.alloc(0);

/**
 * Reads the fields of one packet (MQTT 5.0 section 1.5). The first violation sticks: from then on every read returns a
 * neutral value and consumes nothing, so a decoder checks once at its end instead of after each field.
 *
 * One reader serves a whole server: decoding is synchronous. `open` points it at the next packet.
 */
export class PacketReader {
  bytes: Buffer = nothing;
  offset = 0;
  end = 0;
  violation: Violation | undefined;

  open(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.offset = start;
    this.end = end;
    this.violation = undefined;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Records a violation, unless there is one already, and makes the rest of the packet unreadable. */
  fail(code: ReasonCode, detail: string): void {
    this.violation ??= { code, detail };
    this.offset = this.end;
  }

  malformed(detail: string): void {
    this.fail(reasonCodes.malformedPacket, detail);
  }

  byte(field: string): number {
    if (this.offset + 1 > this.end) return this.#truncated(field);
    const value = this.bytes[this.offset] as number;
    this.offset += 1;
    return value;
  }

  uint16(field: string): number {
    const at = this.offset;
    if (at + 2 > this.end) return this.#truncated(field);
    this.offset = at + 2;
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  uint32(field: string): number {
    if (this.offset + 4 > this.end) return this.#truncated(field);
    const value = this.bytes.readUInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  /** Variable byte integer, at most four bytes, in its shortest form [MQTT-1.5.5-1]. */
  varint(field: string): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 4; i += 1) {
      if (this.offset >= this.end) return this.#truncated(field);
      const byte = this.bytes[this.offset] as number;
      this.offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && i > 0) this.malformed(`${field} is not in its shortest form`);
        return this.violation === undefined ? value : 0;
      }
      scale *= 128;
    }
    this.malformed(`${field} is longer than four bytes`);
    return 0;
  }

  /** Packet identifier; 0 is not one [MQTT-2.2.1-2, MQTT-2.2.1-3; in 3.1.1: MQTT-2.3.1-1]. */
  packetId(): number {
    const id = this.uint16('packet identifier');
    if (id === 0) this.fail(reasonCodes.protocolError, 'packet identifier is 0');
    return id;
  }

  /** Binary data (section 1.5.6) as a view of the packet. */
  binary(field: string): Buffer {
    const length = this.uint16(field);
    const start = this.offset;
    if (start + length > this.end) {
      this.#truncated(field);
      return nothing;
    }
    this.offset = start + length;
    return this.bytes.subarray(start, start + length);
  }

  /** UTF-8 string: well formed, no surrogates, no U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2]. */
  utf8(field: string): string {
    const bytes = this.binary(field);
    if (this.violation !== undefined) return '';
    if (!isUtf8(bytes) || bytes.includes(0)) {
      this.malformed(`${field} is not UTF-8 without U+0000`);
      return '';
    }
    return bytes.toString('utf8');
  }

  /** Ends decoding: a packet must hold nothing behind its last field. Returns the first violation of the packet. */
  finish(): Violation | undefined {
    if (this.offset < this.end) this.malformed('bytes behind the last field');
    return this.violation;
  }

  #truncated(field: string): 0 {
    this.malformed(`${field} is truncated`);
    return 0;
  }
}
