import type { ProxyRefusal } from '../transport-observer.ts';
import { ipv4Text, ipv6Text } from './address-text.ts';
import { crc32cWithout } from './crc32c.ts';

/** What the bytes at the beginning of a connection are. */
export type ProxyHeaderRead =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'refused'; readonly reason: ProxyRefusal }
  /** `source`: the address of the peer; undefined where the balancer connects for itself, to see whether we are alive. */
  | { readonly kind: 'complete'; readonly length: number; readonly source: string | undefined };

/** Longest header, extensions included; the longest addresses (UNIX, which are not taken) need 232. */
export const maxProxyHeaderBytes = 2_048;

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
/** The first bytes of version 1, `PROXY`. */
const textSignature = Uint8Array.of(0x50, 0x52, 0x4f, 0x58, 0x59);
const fixedBytes = 16;
const commands = { local: 0, proxy: 1 } as const;
/** Address family and protocol in one byte. */
const tcp4 = 0x11;
const tcp6 = 0x21;
const addressBytes: Readonly<Record<number, number>> = { [tcp4]: 12, [tcp6]: 36 };
/** `PP2_TYPE_CRC32C`. */
const checksumType = 0x03;

const incomplete = { kind: 'incomplete' } as const;
const refused = (reason: ProxyRefusal): ProxyHeaderRead => ({ kind: 'refused', reason });

/**
 * Reads a header of the PROXY protocol, version 2 (section 2.2 of its specification), from all bytes that have arrived so
 * far. What can never become one is refused with its first wrong byte. Of the extensions only the checksum is looked at.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderRead {
  const known = Math.min(bytes.length, signature.length);
  for (let i = 0; i < known; i += 1) {
    if (bytes[i] !== signature[i]) return refused(beginsAsText(bytes) ? 'text_version' : 'signature');
  }
  const versionAndCommand = bytes[12];
  if (versionAndCommand === undefined) return incomplete;
  if (versionAndCommand >> 4 !== 2) return refused('version');
  const command = versionAndCommand & 0x0f;
  if (command !== commands.local && command !== commands.proxy) return refused('command');
  const family = bytes[13];
  if (family === undefined) return incomplete;
  // Of a LOCAL header everything behind the command is to be discarded, whatever it is.
  const needed = command === commands.local ? 0 : addressBytes[family];
  if (needed === undefined) return refused('family');
  if (bytes.length < fixedBytes) return incomplete;
  const length = fixedBytes + (((bytes[14] as number) << 8) | (bytes[15] as number));
  if (length > maxProxyHeaderBytes) return refused('too_long');
  if (length < fixedBytes + needed) return refused('length');
  if (bytes.length < length) return incomplete;
  if (command === commands.local) return { kind: 'complete', length, source: undefined };
  return readSource(bytes.subarray(0, length), family, fixedBytes + needed);
}

function readSource(header: Uint8Array, family: number, extensionsFrom: number): ProxyHeaderRead {
  const problem = judgeExtensions(header, extensionsFrom);
  if (problem !== undefined) return refused(problem);
  const source =
    family === tcp4
      ? ipv4Text(header.subarray(fixedBytes, fixedBytes + 4))
      : ipv6Text(header.subarray(fixedBytes, fixedBytes + 16));
  return { kind: 'complete', length: header.length, source };
}

/** Section 2.2.1: each has a type, a length in two bytes, and as many bytes; together they fill the header. */
function judgeExtensions(header: Uint8Array, from: number): ProxyRefusal | undefined {
  let checksumAt = 0;
  let at = from;
  while (at < header.length) {
    if (at + 3 > header.length) return 'extension';
    const valueAt = at + 3;
    const length = ((header[at + 1] as number) << 8) | (header[at + 2] as number);
    if (valueAt + length > header.length) return 'extension';
    if (header[at] === checksumType) {
      if (length !== 4 || checksumAt !== 0) return 'extension';
      checksumAt = valueAt;
    }
    at = valueAt + length;
  }
  return checksumAt === 0 || isChecksum(header, checksumAt) ? undefined : 'checksum';
}

function isChecksum(header: Uint8Array, at: number): boolean {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return view.getUint32(at) === crc32cWithout(header, at, at + 4);
}

const beginsAsText = (bytes: Uint8Array): boolean =>
  textSignature.every((byte, index) => index >= bytes.length || bytes[index] === byte);
