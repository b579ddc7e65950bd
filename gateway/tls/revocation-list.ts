import { Buffer } from 'node:buffer';
import { certificateIdOf, issuerIdOf } from './certificate-id.ts';
import { type DerElement, DerError, DerReader, derTags } from './der.ts';
import type { ListSignature } from './list-signature.ts';

/** What a revocation list says (RFC 5280, section 5.1), and what was signed: `isSignedBy` judges it. */
export interface RevocationList {
  /** See `issuerIdOf`. */
  readonly issuerId: string;
  /** Of the certificates that it names, see `certificateIdOf`. */
  readonly revoked: readonly string[];
  /** Milliseconds since the epoch. */
  readonly thisUpdateMs: number;
  /** Milliseconds since the epoch; undefined where the list does not say. */
  readonly nextUpdateMs: number | undefined;
  /** Rises with each list of an authority (section 5.2.3); undefined where the list does not say. */
  readonly number: bigint | undefined;
  readonly signature: ListSignature;
}

const block = /-----BEGIN X509 CRL-----[A-Za-z0-9+/=\s]*-----END X509 CRL-----/g;

/** The revocation lists of a file in PEM, each by itself, as OpenSSL reads only the first one of several. */
export const splitRevocationLists = (pem: string): readonly string[] => pem.match(block) ?? [];

/** Reads one revocation list in PEM. @throws {DerError} */
export function readRevocationList(pem: string): RevocationList {
  const outer = new DerReader(Buffer.from(pem.replace(/-----[A-Z0-9 ]+-----/g, ''), 'base64')).enter(derTags.sequence);
  const list = outer.next(derTags.sequence);
  const algorithm = outer.whole(outer.next(derTags.sequence));
  const value = outer.content(outer.next(derTags.bitString)).subarray(1);
  const signature = { signed: outer.whole(list), algorithm, value };
  return { ...readFields(new DerReader(outer.content(list))), signature };
}

/** TBSCertList (section 5.1.2). */
function readFields(fields: DerReader): Omit<RevocationList, 'signature'> {
  fields.take(derTags.integer);
  fields.next(derTags.sequence);
  const issuerId = issuerIdOf(fields.whole(fields.next(derTags.sequence)));
  if (!isTime(fields.nextTag)) throw new DerError('a revocation list without its date');
  const thisUpdateMs = timeOf(fields.next(), fields);
  const nextUpdate = isTime(fields.nextTag) ? fields.next() : undefined;
  const revoked: string[] = [];
  if (fields.nextTag === derTags.sequence) {
    const entries = fields.enter(derTags.sequence);
    while (!entries.isAtEnd) {
      const entry = entries.enter(derTags.sequence);
      revoked.push(certificateIdOf(issuerId, entry.content(entry.next(derTags.integer))));
    }
  }
  const nextUpdateMs = nextUpdate && timeOf(nextUpdate, fields);
  return { issuerId, revoked, thisUpdateMs, nextUpdateMs, number: readNumber(fields) };
}

/** 2.5.29.20, as its bytes. */
const crlNumberOid = '551d14';

function readNumber(fields: DerReader): bigint | undefined {
  if (fields.nextTag !== derTags.explicit0) return undefined;
  const extensions = fields.enter(derTags.explicit0).enter(derTags.sequence);
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(derTags.sequence);
    const oid = extension.content(extension.next(derTags.objectIdentifier));
    if (Buffer.from(oid).toString('hex') !== crlNumberOid) continue;
    extension.take(derTags.boolean);
    const digits = extension.enter(derTags.octetString);
    const number = digits.content(digits.next(derTags.integer));
    if (number.length === 0) throw new DerError('a number without digits');
    return BigInt(`0x${Buffer.from(number).toString('hex')}`);
  }
  return undefined;
}

const isTime = (tag: number): boolean => tag === derTags.utcTime || tag === derTags.generalizedTime;

const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Sections 5.1.2.4 and 4.1.2.5 of RFC 5280: two digits of a year mean 1950 to 2049. */
function timeOf(element: DerElement, reader: DerReader): number {
  const text = Buffer.from(reader.content(element)).toString('latin1');
  const isShort = element.tag === derTags.utcTime;
  const parts = (isShort ? utcTime : generalizedTime).exec(text)?.slice(1).map(Number);
  if (parts === undefined) throw new DerError('a time that RFC 5280 does not allow');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const century = isShort ? (year < 50 ? 2000 : 1900) : 0;
  return Date.UTC(century + year, month - 1, day, hour, minute, second);
}
