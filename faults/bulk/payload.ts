import { randomStream } from '../../device-simulator/core/random.ts';

/** Which message a payload is. */
export interface BulkMessage {
  readonly runId: number;
  readonly vehicle: number;
  readonly sequence: number;
}

const headerBytes = 24;
const magic = 0x4255_4c4b;
/** Larger than the window of LZ4, so that no two payloads of a batch share what could be compressed away. */
const poolBytes = 8 * 1024 * 1024;

/**
 * Payloads that do not compress, and that tell which message they are and whether every byte has arrived: a header, and
 * a stretch of a pool of random bytes. All numbers are little endian.
 *
 *     "BULK" (u32), run id (u32), vehicle (u32), sequence (u32), offset in the pool (u32), size of
 *     the whole (u32), then the stretch
 */
export class BulkPayloads {
  readonly #pool: Buffer;
  readonly #runId: number;

  /** @param runId marks what belongs together; also the seed of the pool */
  constructor(runId: number) {
    this.#runId = runId;
    this.#pool = Buffer.allocUnsafe(poolBytes);
    const random = randomStream(runId, 0x6275_6c6b);
    for (let at = 0; at < poolBytes; at += 4) this.#pool.writeUInt32LE(random.integer(0x1_0000_0000), at);
  }

  /** @param bytes size of the whole payload, header included */
  make(vehicle: number, sequence: number, bytes: number): Buffer {
    const stretch = bytes - headerBytes;
    if (stretch < 0 || stretch > poolBytes) throw new RangeError(`no payload has ${bytes} bytes`);
    // Somewhere else for each message: a record with another one's bytes must not pass.
    const offset = (vehicle * 7_919_993 + sequence * 104_729) % (poolBytes - stretch + 1);
    const payload = Buffer.allocUnsafe(bytes);
    payload.writeUInt32LE(magic, 0);
    payload.writeUInt32LE(this.#runId, 4);
    payload.writeUInt32LE(vehicle, 8);
    payload.writeUInt32LE(sequence, 12);
    payload.writeUInt32LE(offset, 16);
    payload.writeUInt32LE(bytes, 20);
    this.#pool.copy(payload, headerBytes, offset, offset + stretch);
    return payload;
  }

  /** Which message this is; undefined when it is none of this run or a byte of it is not as it was made. */
  read(payload: Buffer): BulkMessage | undefined {
    if (payload.length < headerBytes || payload.readUInt32LE(0) !== magic) return undefined;
    const [runId, vehicle, sequence] = [payload.readUInt32LE(4), payload.readUInt32LE(8), payload.readUInt32LE(12)];
    const [offset, bytes] = [payload.readUInt32LE(16), payload.readUInt32LE(20)];
    const end = offset + payload.length - headerBytes;
    if (runId !== this.#runId || bytes !== payload.length || end > poolBytes) return undefined;
    if (payload.compare(this.#pool, offset, end, headerBytes) !== 0) return undefined;
    return { runId, vehicle, sequence };
  }
}
