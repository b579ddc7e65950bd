// First: the library needs it while it is loaded.
import '../../../certs/metadata-reflection.ts';

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { newKeyPair, newSerial, privateKeyPem } from '../../../certs/keys.ts';
import { type Issuer, leafCertificate, revocationList } from '../../../certs/x509.ts';

const dayMs = 86_400_000;
const validity = () => ({ notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) });

export interface TestAuthority extends Issuer {
  readonly serial: string;
}

/** An authority's certificate, signed by another one, or by itself. */
export async function makeAuthority(name: string, issuer?: Issuer): Promise<TestAuthority> {
  const keys = await newKeyPair();
  const serial = newSerial();
  const above = issuer && new X509Certificate(issuer.certificate);
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    serialNumber: serial,
    subject: [{ CN: [name] }],
    issuer: above?.subjectName ?? [{ CN: [name] }],
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await AuthorityKeyIdentifierExtension.create(above?.publicKey ?? keys.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem').trim()}\n`, keys, serial };
}

/** A device's certificate and key in files, with the certificate of the authority that has signed it. */
export async function makeDevice(folder: string, issuer: TestAuthority, name: string) {
  const keys = await newKeyPair();
  const names = { dns: [], ip: [], uri: [`urn:device:${name}`] };
  const request = { ...validity(), kind: 'device', commonName: name, names, publicKey: keys.publicKey } as const;
  const serial = newSerial();
  const certificate = await leafCertificate(issuer, { ...request, serial });
  const [certFile, keyFile] = [join(folder, `${name}-${serial}.pem`), join(folder, `${name}-${serial}.key`)];
  writeFileSync(certFile, certificate + issuer.certificate);
  writeFileSync(keyFile, privateKeyPem(keys));
  return { certFile, keyFile, serial };
}

let lastNumber = 0;

/** A revocation list in PEM; its number is above that of all before, unless given. */
export const makeList = (
  issuer: Issuer,
  serials: readonly string[] = [],
  { number = ++lastNumber, atMs = Date.now() - 60_000 }: { readonly number?: number; readonly atMs?: number } = {},
): Promise<string> =>
  revocationList(issuer, {
    thisUpdate: new Date(atMs),
    nextUpdate: new Date(atMs + 30 * dayMs),
    number,
    revoked: serials.map((serial) => ({ serial, at: new Date(atMs) })),
  });

/** A root, an authority below it that signs devices, and their lists, as files for a listener. */
export async function makeTwoLevels(folder: string) {
  const root = await makeAuthority('Root');
  const intermediate = await makeAuthority('Intermediate', root);
  const clientCaFile = join(folder, 'two-levels.pem');
  const crlFile = join(folder, 'two-levels.crl');
  writeFileSync(clientCaFile, root.certificate + intermediate.certificate);
  /** Writes the lists anew, with what each of the two has revoked. */
  const revoke = async (byRoot: readonly string[], byIntermediate: readonly string[] = []) =>
    writeFileSync(crlFile, (await makeList(root, byRoot)) + (await makeList(intermediate, byIntermediate)));
  await revoke([]);
  return {
    ...{ root, intermediate, files: { clientCaFile, crlFiles: [crlFile] }, revoke },
    device: (name: string) => makeDevice(folder, intermediate, name),
  };
}
