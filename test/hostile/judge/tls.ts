import { flawOfBytes } from './text.ts';

const headerLength = 5;
const alert = 21;
/** Change cipher spec, alert, handshake, application data (RFC 8446, section 5.1). */
const types = new Set([20, alert, 22, 23]);
/** 2^14, and what encryption may add (RFC 8446, section 5.2; RFC 5246, section 6.2.3). */
const longestFragment = 16_384 + 2_048;

/** What is wrong with all that a peer of a TLS listener has received: it must be whole records of TLS and nothing else. */
export function flawOfTls(received: Buffer, secrets: readonly string[] = []): string | undefined {
  for (let at = 0; at < received.length; ) {
    if (at + headerLength > received.length) return 'the stream ends in the header of a record';
    const type = received[at] as number;
    const major = received[at + 1];
    const length = received.readUInt16BE(at + 3);
    const ofTls = major === 3 || refusesVersion(received.subarray(at));
    if (!types.has(type) || !ofTls) return `not a record: ${received.toString('hex', at, at + 16)}`;
    if (length === 0 || length > longestFragment) return `a record of ${length} bytes`;
    if (at + headerLength + length > received.length) return 'the stream ends in a record';
    if (type === alert && length > 2 && length < 16) return 'an alert that is neither plain nor encrypted';
    at += headerLength + length;
  }
  return flawOfBytes(received, secrets);
}

/** A fatal alert "protocol_version": OpenSSL puts into its header the version that the peer had put into its own. */
function refusesVersion(record: Buffer): boolean {
  return record[0] === alert && record.toString('hex', 3, 7) === '00020246';
}
