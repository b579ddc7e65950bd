import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newKeyPair, newSerial, privateKeyPem } from '../../certs/keys.ts';
import { authorityCertificate, type Issuer, leafCertificate } from '../../certs/x509.ts';
import { device } from '../load/frames.ts';

const dayMs = 86_400_000;

/** Files of an authority, of a server, and of one client for each device of the load. All keys are on P-256. */
export interface CertificateFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** JSON: `ClientCertificates`. */
  readonly clientsFile: string;
}

export interface ClientCertificates {
  readonly ca: string;
  /** One key for all of them: what they cost the server is the same, and the load is ready sooner. */
  readonly key: string;
  /** By the number of the device. */
  readonly certificates: readonly string[];
}

/** Makes certificates for `devices` devices, valid for a day. */
export async function writeCertificates(folder: string, devices: number): Promise<CertificateFiles> {
  await mkdir(folder, { recursive: true });
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + dayMs) };
  const keys = await newKeyPair();
  const issuer: Issuer = { certificate: await authorityCertificate('bench', newSerial(), keys, validity), keys };
  const serverKeys = await newKeyPair();
  const server = await leafCertificate(issuer, {
    ...validity,
    kind: 'server',
    commonName: '127.0.0.1',
    names: { dns: [], ip: ['127.0.0.1'], uri: [] },
    serial: newSerial(),
    publicKey: serverKeys.publicKey,
  });
  const clientKeys = await newKeyPair();
  const certificates: string[] = [];
  for (let index = 0; index < devices; index += 1) {
    const { deviceId } = device(index);
    const names = { dns: [], ip: [], uri: [`urn:device:${deviceId}`] };
    const leaf = { ...validity, kind: 'device', commonName: deviceId, names, serial: newSerial() } as const;
    certificates.push(await leafCertificate(issuer, { ...leaf, publicKey: clientKeys.publicKey }));
  }
  const clients: ClientCertificates = { ca: issuer.certificate, key: privateKeyPem(clientKeys), certificates };
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return {
    caFile: await write('ca.pem', issuer.certificate),
    certFile: await write('server.pem', server),
    keyFile: await write('server.key', privateKeyPem(serverKeys)),
    clientsFile: await write('clients.json', JSON.stringify(clients)),
  };
}
