import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TlsMaterial } from '../../../gateway/tls/material.ts';
import { TlsFolder } from './files.ts';
import { makeAuthority, makeDevice, makeTwoLevels } from './two-levels.ts';

/** What a handshake with this certificate would keep of it. */
const peerOf = ({ readPeer }: TlsMaterial, { certFile }: { readonly certFile: string }) =>
  readPeer(new X509Certificate(readFileSync(certFile)));

describe('a certificate', () => {
  it('is revoked with the authority that has signed it', async () => {
    using folder = await TlsFolder.make();
    const { files, device, revoke, intermediate } = await makeTwoLevels(folder.path);
    const before = folder.read(files);
    const peer = peerOf(before, await device('a'));
    expect(before.isRevoked(peer)).toBe(false);
    await revoke([intermediate.serial]);
    expect(folder.read(files).isRevoked(peer)).toBe(true);
  });

  it('of an authority that was renewed stays good while one of its certificates does', async () => {
    using folder = await TlsFolder.make();
    const { files, device, revoke, root, intermediate } = await makeTwoLevels(folder.path);
    const other = await makeAuthority('Intermediate', root);
    writeFileSync(files.clientCaFile, root.certificate + intermediate.certificate + other.certificate);
    const material = folder.read(files);
    const [own, others] = [await device('a'), await makeDevice(folder.path, other, 'b')];
    const [peer, othersPeer] = [peerOf(material, own), peerOf(material, others)];
    expect([peer.issuedBy?.length, othersPeer.issuedBy?.length]).toEqual([1, 1]);
    expect(peer.issuedBy).not.toEqual(othersPeer.issuedBy);
    await revoke([intermediate.serial]);
    const after = folder.read(files);
    expect([after.isRevoked(peer), after.isRevoked(othersPeer)]).toEqual([true, false]);
  });

  it('whose authority is not among those that the lists are of lets nobody in', async () => {
    using folder = await TlsFolder.make();
    const { files, root } = await makeTwoLevels(folder.path);
    const stranger = await makeDevice(folder.path, await makeAuthority('Unlisted', root), 'a');
    expect(() => peerOf(folder.read(files), stranger)).toThrow('no revocation list');
    expect(peerOf(folder.read({ ...files, crlFiles: [] }), stranger).issuedBy).toEqual([]);
  });
});
