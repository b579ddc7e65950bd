import { type webcrypto, X509Certificate } from 'node:crypto';
import '../../../certs/metadata-reflection.ts';
import { type JsonNameParams, Name, X509CertificateGenerator } from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCertificateIds } from '../../../gateway/tls/certificate-id.ts';
import { readCommonNames } from '../../../gateway/tls/common-names.ts';

type Encoding = 'utf8String' | 'printableString' | 'ia5String' | 'bmpString';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

describe('the common names in a subject', () => {
  let keys: webcrypto.CryptoKeyPair;

  beforeAll(async () => {
    keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  });

  const certificateOf = async (subject: JsonNameParams): Promise<X509Certificate> => {
    const name = new Name(subject);
    const { rawData } = await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm: algorithm });
    return new X509Certificate(Buffer.from(rawData));
  };
  const subjectOf = (certificate: X509Certificate): Uint8Array => readCertificateIds(certificate.raw).subject;
  const byNode = (certificate: X509Certificate): readonly string[] =>
    [(certificate.toLegacyObject().subject?.CN as string | string[] | undefined) ?? []].flat();

  it('are those that Node finds, whatever is in them', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 3 }), text, async (names, organization) => {
        const certificate = await certificateOf([
          { O: [{ utf8String: organization }] },
          ...names.map((name) => ({ CN: [{ utf8String: name }] })),
        ]);
        expect(readCommonNames(subjectOf(certificate))).toEqual(byNode(certificate));
        expect(byNode(certificate)).toEqual(names);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[Encoding, readonly string[] | undefined]>([
    ['utf8String', ['dev-1']],
    ['printableString', ['dev-1']],
    ['ia5String', ['dev-1']],
    ['bmpString', undefined],
  ])('are read from %s: %j', async (encoding, expected) => {
    const certificate = await certificateOf([{ CN: [{ [encoding]: 'dev-1' }] }]);
    expect(readCommonNames(subjectOf(certificate))).toEqual(expected);
    expect(byNode(certificate)).toEqual(['dev-1']);
  });

  it('are not guessed where the bytes are no name, or no letters', () => {
    expect(() => readCommonNames(Buffer.from('3003310130', 'hex'))).toThrow();
    expect(() => readCommonNames(Buffer.from('300d310b3009060355040 30c02ff41'.replaceAll(' ', ''), 'hex'))).toThrow(
      TypeError,
    );
  });
});
