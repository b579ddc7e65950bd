import { DerReader, derTags } from './der.ts';

/** 2.5.4.3, `id-at-commonName` (RFC 5280, appendix A.1). */
const commonName = [0x55, 0x04, 0x03] as const;
/** UTF8String, PrintableString, IA5String: what certificates are written in today, and all of it is UTF-8. */
const utf8Tags: ReadonlySet<number> = new Set([0x0c, 0x13, 0x16]);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The common names in a subject (RFC 5280, section 4.1.2.6). Node has them too, and takes for them a whole certificate
 * apart, key and all, which costs a tenth of a handshake.
 *
 * @returns undefined where one is written in letters that only few can read; those are left to OpenSSL.
 * @throws {DerError} when it is no name; {TypeError} when one is not of the letters that it says.
 */
export function readCommonNames(subject: Uint8Array): readonly string[] | undefined {
  const found: string[] = [];
  const parts = new DerReader(subject).enter(derTags.sequence);
  while (!parts.isAtEnd) {
    const attributes = parts.enter(derTags.set);
    while (!attributes.isAtEnd) {
      const attribute = attributes.enter(derTags.sequence);
      const type = attribute.content(attribute.next(derTags.objectIdentifier));
      const value = attribute.next();
      if (type.length !== commonName.length || !commonName.every((byte, index) => type[index] === byte)) continue;
      if (!utf8Tags.has(value.tag)) return undefined;
      found.push(utf8.decode(attribute.content(value)));
    }
  }
  return found;
}
