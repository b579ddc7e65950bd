import { Buffer } from 'node:buffer';
import { constants, type KeyObject, verify } from 'node:crypto';
import { DerReader, derTags } from './der.ts';

/** The signature under a revocation list (RFC 5280, section 5.1.1). */
export interface ListSignature {
  /** TBSCertList as it was signed. */
  readonly signed: Uint8Array;
  /** AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly value: Uint8Array;
}

/** Digests by algorithm: object identifiers as their bytes. What is not here counts as not signed, SHA-1 above all. */
const digestOf: Readonly<Record<string, string | null>> = {
  // sha256WithRSAEncryption and the like (RFC 4055, section 5)
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  // ecdsa-with-SHA256 and the like (RFC 5758, section 3.2)
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  // Ed25519 and Ed448, which digest by themselves (RFC 8410, section 6)
  '2b6570': null,
  '2b6571': null,
};

/** id-RSASSA-PSS (RFC 4055, section 3.1), and the digests that its parameters may name. */
const pss = '2a864886f70d01010a';
const pssDigestOf: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

/** Whether the owner of this key has signed it. */
export function isSignedBy({ signed, algorithm, value }: ListSignature, key: KeyObject): boolean {
  try {
    const fields = new DerReader(algorithm).enter(derTags.sequence);
    const name = nextOid(fields);
    if (name !== pss) {
      const digest = digestOf[name];
      return digest !== undefined && verify(digest, signed, key, value);
    }
    // Without a digest in its parameters it is SHA-1.
    const parameters = fields.enter(derTags.sequence).enter(derTags.explicit0);
    const digest = pssDigestOf[nextOid(parameters.enter(derTags.sequence))];
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    return digest !== undefined && verify(digest, signed, { key, ...padding }, value);
  } catch {
    // Parameters that are none, or a key of another kind.
    return false;
  }
}

const nextOid = (fields: DerReader): string =>
  Buffer.from(fields.content(fields.next(derTags.objectIdentifier))).toString('hex');
