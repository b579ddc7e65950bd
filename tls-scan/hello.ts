import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** Versions as they are on the wire (RFC 6101, RFC 8446 section 4.1.2). */
export const wireVersions = { SSLv3: 0x0300, 'TLSv1.0': 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303 } as const;
export type WireVersion = keyof typeof wireVersions;

/** What a server answers to a ClientHello. */
export type HelloAnswer =
  | { readonly kind: 'hello'; readonly version: number; readonly compression: number }
  | { readonly kind: 'alert'; readonly description: number }
  /** Closed without a word, or with something that is no TLS. */
  | { readonly kind: 'closed' };

const deadlineMs = 10_000;
const contentTypes = { alert: 21, handshake: 22 } as const;
const serverHello = 2;
/** Of every kind that was ever in use: with forward secrecy and without, with AES, 3DES and RC4. */
const suites = [0xc02b, 0xc02f, 0xc013, 0xc009, 0x009c, 0x002f, 0x0035, 0x000a, 0x0005, 0x0004];
/** DEFLATE (RFC 3749), then none. */
const compressions = [1, 0];

const uint16 = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const withLength = (bytes: Buffer, lengthBytes: 1 | 2 | 3): Buffer => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(bytes.length, 0, lengthBytes);
  return Buffer.concat([length, bytes]);
};
const extension = (type: number, ...content: Buffer[]): Buffer =>
  Buffer.concat([uint16(type), withLength(Buffer.concat(content), 2)]);

/** A ClientHello that offers no more than `version`, and compression (RFC 5246, section 7.4.1.2). */
export function clientHello(version: number): Buffer {
  const extensions = Buffer.concat([
    // Groups (P-256, P-384, X25519), uncompressed points, ECDSA and RSA with SHA-256.
    extension(10, withLength(uint16(23, 24, 29), 2)),
    extension(11, withLength(Buffer.from([0]), 1)),
    ...(version < wireVersions['TLSv1.2'] ? [] : [extension(13, withLength(uint16(0x0403, 0x0804, 0x0401), 2))]),
  ]);
  const body = Buffer.concat([
    uint16(version),
    randomBytes(32),
    withLength(Buffer.alloc(0), 1),
    withLength(uint16(...suites), 2),
    withLength(Buffer.from(compressions), 1),
    // SSLv3 knows no extensions.
    ...(version === wireVersions.SSLv3 ? [] : [withLength(extensions, 2)]),
  ]);
  const message = Buffer.concat([Buffer.from([1]), withLength(body, 3)]);
  const recordVersion = Math.min(version, wireVersions['TLSv1.0']);
  return Buffer.concat([Buffer.from([contentTypes.handshake]), uint16(recordVersion), withLength(message, 2)]);
}

/** Reads the beginning of an answer; undefined: more is needed. */
export function readAnswer(bytes: Buffer): HelloAnswer | undefined {
  const type = bytes[0];
  if (type === contentTypes.alert && bytes.length >= 7) return { kind: 'alert', description: bytes[6] as number };
  if (type !== contentTypes.handshake || bytes[5] !== serverHello) return undefined;
  // Record header, message header, version, random; then the session id, whose length varies.
  const sessionAt = 5 + 4 + 2 + 32;
  const compressionAt = sessionAt + 1 + (bytes[sessionAt] ?? 0) + 2;
  const compression = bytes[compressionAt];
  return compression === undefined ? undefined : { kind: 'hello', version: bytes.readUInt16BE(9), compression };
}

/** Sends a ClientHello that no library would send any more. Rejects when the address can't be connected to. */
export function askHello(host: string, port: number, version: WireVersion): Promise<HelloAnswer> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ host, port });
    const end = (answer: HelloAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(deadlineMs, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const answer = readAnswer(received);
      if (answer !== undefined) end(answer);
    });
    socket.once('connect', () => socket.write(clientHello(wireVersions[version])));
    // A server that resets the connection has closed it, too.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? end({ kind: 'closed' }) : reject(error),
    );
    socket.once('close', () => end({ kind: 'closed' }));
  });
}
