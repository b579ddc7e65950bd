import type { KeyObject, X509Certificate } from 'node:crypto';
import { type CertificateIds, issuerIdOf, readCertificateIds } from './certificate-id.ts';

interface Authority extends CertificateIds {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  /** Ids of the other authorities that may have signed it: none of a root's, or of one whose issuer is not here. */
  readonly issuedBy: readonly string[];
}

/**
 * The authorities that are trusted, and which of them stands behind which. Wherever there are revocation lists these are
 * all: each authority in a chain needs a list then, and each list one of these authorities. So what a resumed session does
 * not show any more, who has signed the signer, is known nevertheless.
 */
export class Authorities {
  readonly #bySubject: ReadonlyMap<string, readonly Authority[]>;

  /** @throws {DerError} when a certificate is none. */
  constructor(certificates: readonly X509Certificate[]) {
    const found = certificates.map((certificate) => ({
      ...readCertificateIds(certificate.raw),
      certificate,
      publicKey: certificate.publicKey,
      issuedBy: [] as readonly string[],
    }));
    this.#bySubject = Map.groupBy(found, ({ subject }) => issuerIdOf(subject));
    for (const each of found) {
      const issuers = this.issuersOf(each.certificate, each.issuerId);
      each.issuedBy = issuers.includes(each.id) ? [] : issuers;
    }
  }

  /** Ids of those that may have signed a certificate which names this issuer: several, where one was renewed. */
  issuersOf(certificate: X509Certificate, issuerId: string): readonly string[] {
    const named = this.#bySubject.get(issuerId) ?? [];
    const fitting = named.filter((authority) => certificate.checkIssued(authority.certificate));
    // By name and key identifier alone several may fit; the signature tells those of different keys apart.
    const signers = fitting.length > 1 ? fitting.filter(({ publicKey }) => certificate.verify(publicKey)) : fitting;
    return signers.map(({ id }) => id);
  }

  /** Of whom a list is: of the first with this name whose key `hasSigned`. Undefined: of nobody who is trusted. */
  signerOf(subjectId: string, hasSigned: (key: KeyObject) => boolean): string | undefined {
    return this.#bySubject.get(subjectId)?.find(({ publicKey }) => hasSigned(publicKey))?.id;
  }

  /** Ids of the authorities that count no more: named by a list, or with nobody above them who still counts. */
  lostBy(revoked: ReadonlySet<string>): ReadonlySet<string> {
    const all = [...this.#bySubject.values()].flat();
    const good = new Set<string>();
    // From the roots down, as authorities may have signed each other.
    for (let before = -1; before < good.size; ) {
      before = good.size;
      for (const { id, issuedBy } of all) {
        const isHeld = issuedBy.length === 0 || issuedBy.some((issuer) => good.has(issuer));
        if (isHeld && !revoked.has(id)) good.add(id);
      }
    }
    return new Set(all.flatMap(({ id }) => (good.has(id) ? [] : [id])));
  }
}
