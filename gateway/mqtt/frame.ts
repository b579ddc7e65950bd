import { Buffer } from 'node:buffer';

/**
 * What `next` found: a complete packet; that more bytes are needed; a remaining length of more than four bytes
 * (MQTT 5.0 section 1.5.5: malformed); or a packet larger than allowed.
 */
export type FrameStatus = 'packet' | 'incomplete' | 'malformed_length' | 'too_large';

const nothing = Buffer.alloc(0);
/** First buffer for a packet that arrives in parts. It doubles as bytes come, so announcing a size reserves nothing. */
const firstPartBytes = 512;

/**
 * Cuts the byte stream of one connection into MQTT control packets, one at a time, so that the reader can stop after
 * each. A packet inside one chunk is a view of it; only a packet that spans chunks is copied.
 *
 * After `next` has returned `packet`: `first` is its first byte, its variable header and payload are
 * `bytes[start..end)`. The views stay valid: no buffer is ever used again.
 */
export class Framer {
  first = 0;
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  headerLength = 0;

  #chunk: Buffer = nothing;
  #offset = 0;
  /** Bytes of a packet that is still arriving, its fixed header included. */
  #part: Buffer | undefined;
  #partLength = 0;

  /** Whether bytes have been handed in that `next` has not consumed. */
  get hasUnread(): boolean {
    return this.#offset < this.#chunk.length;
  }

  /** Bytes kept for a packet that is still arriving. */
  get partBytes(): number {
    return this.#part === undefined ? 0 : this.#part.length;
  }

  /** Bytes that have arrived and are not handled yet. */
  get heldBytes(): number {
    return this.partBytes + this.#chunk.length - this.#offset;
  }

  /** Lets go of everything: nothing more will be read. */
  clear(): void {
    this.#part = undefined;
    this.#partLength = 0;
    this.#releaseChunk();
    this.release();
  }

  /** Whether the next byte begins a packet: none is under way. */
  get isBetweenPackets(): boolean {
    return this.#part === undefined && !this.hasUnread;
  }

  /** Hands in the next bytes of the stream. The earlier ones must have been consumed: `next` returned `incomplete`. */
  accept(chunk: Buffer): void {
    if (this.hasUnread) chunk = Buffer.concat([this.#chunk.subarray(this.#offset), chunk]);
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * Finds the next packet.
   *
   * @param maxPacketBytes limit of the whole packet, fixed header included; enforced as soon as the length is known.
   */
  next(maxPacketBytes: number): FrameStatus {
    if (this.#part !== undefined) return this.#continuePart(this.#part, maxPacketBytes);
    const chunk = this.#chunk;
    const offset = this.#offset;
    const available = chunk.length - offset;
    const headerLength = fixedHeaderLength(chunk, offset, chunk.length);
    if (headerLength < 0) return 'malformed_length';
    if (headerLength === 0) return this.#keepPart(available);
    const total = headerLength + remainingLength(chunk, offset + 1);
    if (total > maxPacketBytes) return 'too_large';
    if (total > available) return this.#keepPart(available);
    this.#offset = offset + total;
    this.first = chunk[offset] as number;
    this.bytes = chunk;
    this.headerLength = headerLength;
    this.start = offset + headerLength;
    this.end = offset + total;
    if (this.#offset === chunk.length) this.#releaseChunk();
    return 'packet';
  }

  /** Lets go of the last packet's bytes, so that an idle connection holds no chunk in memory. */
  release(): void {
    this.bytes = nothing;
    this.start = 0;
    this.end = 0;
  }

  /** Moves the rest of the chunk into a part of its own: a chunk may be much larger than what is left in it. */
  #keepPart(available: number): FrameStatus {
    if (available > 0) {
      const part = Buffer.allocUnsafeSlow(Math.max(available, available > 5 ? firstPartBytes : 8));
      this.#chunk.copy(part, 0, this.#offset);
      this.#part = part;
      this.#partLength = available;
    }
    this.#releaseChunk();
    return 'incomplete';
  }

  #continuePart(part: Buffer, maxPacketBytes: number): FrameStatus {
    for (;;) {
      const headerLength = fixedHeaderLength(part, 0, this.#partLength);
      if (headerLength < 0) return 'malformed_length';
      if (headerLength === 0) {
        if (!this.hasUnread) return this.#waitForMore();
        part = this.#append(part, 1, 8);
        continue;
      }
      const total = headerLength + remainingLength(part, 1);
      if (total > maxPacketBytes) return 'too_large';
      part = this.#append(part, total - this.#partLength, total);
      if (this.#partLength < total) return this.#waitForMore();
      this.#part = undefined;
      this.#partLength = 0;
      this.first = part[0] as number;
      this.bytes = part;
      this.headerLength = headerLength;
      this.start = headerLength;
      this.end = total;
      if (!this.hasUnread) this.#releaseChunk();
      return 'packet';
    }
  }

  /** Appends up to `wanted` bytes of the chunk; grows by doubling, never beyond `total`. */
  #append(part: Buffer, wanted: number, total: number): Buffer {
    const count = Math.min(wanted, this.#chunk.length - this.#offset);
    const needed = this.#partLength + count;
    if (needed > part.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, Math.min(total, Math.max(part.length * 2, firstPartBytes))),
      );
      part.copy(grown, 0, 0, this.#partLength);
      part = grown;
      this.#part = grown;
    }
    this.#chunk.copy(part, this.#partLength, this.#offset, this.#offset + count);
    this.#partLength = needed;
    this.#offset += count;
    return part;
  }

  #waitForMore(): FrameStatus {
    this.#releaseChunk();
    return 'incomplete';
  }

  #releaseChunk(): void {
    this.#chunk = nothing;
    this.#offset = 0;
  }
}

/** Length of the fixed header at `offset`: 2 to 5; 0 when it is incomplete; −1 when its length field is malformed. */
function fixedHeaderLength(bytes: Uint8Array, offset: number, end: number): number {
  for (let i = 1; i <= 4; i += 1) {
    if (offset + i >= end) return 0;
    if ((bytes[offset + i] as number) < 0x80) return i + 1;
  }
  return -1;
}

/** The remaining length (variable byte integer, section 1.5.5) at `offset`, which must be complete. */
function remainingLength(bytes: Uint8Array, offset: number): number {
  let value = 0;
  let scale = 1;
  for (let i = offset; ; i += 1) {
    const byte = bytes[i] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}
