import { connect as connectTcp } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DevelopmentAuthority } from '../../../certs/authority.ts';
import { TlsFolder } from '../tls/files.ts';
import { makeTwoLevels } from '../tls/two-levels.ts';
import { until } from './support.ts';
import { SecureClient, SecureEdge } from './tls-support.ts';

const dayMs = 86_400_000;
const badCredentials = 0x86;

/** A listener whose devices have certificates of an authority below the root. */
async function twoLevels() {
  const folder = await TlsFolder.make();
  onTestFinished(() => folder[Symbol.dispose]());
  const levels = await makeTwoLevels(folder.path);
  return { edge: await SecureEdge.start({ files: levels.files }), levels };
}

/** Reached MQTT neither with nor without words of ours: nothing was sent over the secured connection. */
const heardNothing = async (client: SecureClient): Promise<void> => {
  await client.end();
  expect(client.received).toEqual([]);
};

const tcp = (edge: SecureEdge) => {
  const socket = connectTcp({ host: '127.0.0.1', port: edge.port });
  const seen = { closed: false, bytes: 0 };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    seen.bytes += chunk.length;
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  onTestFinished(() => void socket.destroy());
  return { socket, seen };
};

describe('TLS', () => {
  it.each([
    ['TLSv1.3', {}],
    ['TLSv1.2', { maxVersion: 'TLSv1.2' }],
  ] as const)('serves a device over %s, with and without ALPN', async (version, options) => {
    const edge = await SecureEdge.start({
      files: { clientCertificates: 'none', clientCaFile: undefined, crlFiles: [] },
    });
    for (const alpn of [{}, { ALPNProtocols: ['mqtt'] }, { ALPNProtocols: ['x', 'mqtt'] }]) {
      const client = new SecureClient({ ...edge.clientOptions(), ...options, ...alpn });
      expect(await client.connect({ clientId: 'c', username: 'a', password: Buffer.from('right') })).toBe(0);
      expect(await client.answers()).toBe(true);
      expect(client.socket.getProtocol()).toBe(version);
      expect(client.socket.alpnProtocol).toBe('ALPNProtocols' in alpn ? 'mqtt' : false);
      expect(await edge.handshake()).toBe(version);
    }
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (maxVersion) => {
    const edge = await SecureEdge.start();
    const old = { minVersion: maxVersion, maxVersion, ciphers: 'ALL:@SECLEVEL=0' } as const;
    const client = new SecureClient({ ...edge.clientOptions(await edge.folder.device('a')), ...old });
    await heardNothing(client);
    expect(client.isSecure).toBe(false);
    expect(await edge.handshake()).toBe('version');
  });

  it('refuses TLS 1.2 where 1.3 is demanded', async () => {
    const edge = await SecureEdge.start({ files: { minVersion: '1.3' } });
    const client = new SecureClient({ ...edge.clientOptions(), maxVersion: 'TLSv1.2' });
    await heardNothing(client);
    expect(await edge.handshake()).toBe('version');
  });

  it.each(['AES128-SHA', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256'])(
    'refuses the cipher %s: no forward secrecy, or no authenticated encryption',
    async (cipher) => {
      const edge = await SecureEdge.start();
      const weak = { maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` } as const;
      await heardNothing(new SecureClient({ ...edge.clientOptions(), ...weak }));
      expect(await edge.handshake()).toBe('no_common_cipher');
    },
  );

  it('refuses who offers other protocols only', async () => {
    const edge = await SecureEdge.start();
    const options = { ...edge.clientOptions(await edge.folder.device('a')), ALPNProtocols: ['h2', 'http/1.1'] };
    const client = new SecureClient(options);
    await heardNothing(client);
    expect(client.isSecure).toBe(false);
    expect(await edge.handshake()).toBe('protocol');
  });

  it('does not renegotiate', async () => {
    const edge = await SecureEdge.start();
    const client = new SecureClient({ ...edge.clientOptions(await edge.folder.device('a')), maxVersion: 'TLSv1.2' });
    expect(await client.connect()).toBe(0);
    let renegotiated = false;
    client.socket.renegotiate({}, (error) => {
      renegotiated = error === null;
    });
    client.send({ cmd: 'pingreq' });
    await until(() => renegotiated || client.closed || client.packets.length > 0, 'an answer to the renegotiation');
    expect(renegotiated).toBe(false);
  });

  it.each([
    ['MQTT in plain text', '\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['garbage', '\xff'.repeat(600)],
  ])('closes on %s, and serves the next device', async (_what, bytes) => {
    const edge = await SecureEdge.start();
    const { socket, seen } = tcp(edge);
    socket.write(bytes, 'latin1');
    await until(() => seen.closed, 'the server to close');
    expect(await edge.handshake()).toMatch(/^(not_tls|version|other)$/);
    const client = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await client.connect()).toBe(0);
  });

  it('ends a handshake that takes too long, and says nothing', async () => {
    const edge = await SecureEdge.start({ tls: { handshakeTimeoutMs: 100 } });
    const { seen } = tcp(edge);
    expect(await edge.handshake()).toBe('timeout');
    await until(() => seen.closed, 'the server to close');
    expect(seen.bytes).toBe(0);
    await until(() => edge.server.handshakes === 0, 'no handshake to be under way');
  });

  it('has a bound on handshakes under way: further sockets are closed, and those that are done make room', async () => {
    const edge = await SecureEdge.start({ tls: { maxHandshakes: 2 } });
    const own = await edge.folder.device('a');
    const waiting = [tcp(edge), tcp(edge)];
    await until(() => edge.server.handshakes === 2, 'two handshakes to be under way');
    const refused = tcp(edge);
    await until(() => refused.seen.closed, 'the third to be closed');
    expect(await edge.handshake()).toBe('too_many');
    for (const { socket } of waiting) socket.destroy();
    await until(() => edge.server.handshakes === 0, 'the places to be free');
    expect(await new SecureClient(edge.clientOptions(own)).connect()).toBe(0);
    expect(edge.server.handshakes).toBe(0);
  });

  it('ends with the server, also for who is still shaking hands', async () => {
    const edge = await SecureEdge.start();
    const { seen } = tcp(edge);
    await until(() => edge.server.handshakes === 1, 'a handshake to be under way');
    const client = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await client.connect()).toBe(0);
    await edge.server.close(0);
    await until(() => seen.closed && client.closed, 'both to be closed');
  });
});

describe('client certificates', () => {
  it('let a device in without a password where they suffice', async () => {
    const edge = await SecureEdge.start();
    const own = await edge.folder.device('a');
    for (const fields of [{}, { username: 'a' }, { clientId: 'a' }, { username: 'a', clientId: 'a' }]) {
      expect(await new SecureClient(edge.clientOptions(own)).connect(fields)).toBe(0);
    }
  });

  it('that suffice do not make up for a wrong password; an empty one, or an empty user name, is none', async () => {
    const edge = await SecureEdge.start();
    const own = await edge.folder.device('a');
    const outcome = (fields: object) => new SecureClient(edge.clientOptions(own)).connect({ clientId: 'a', ...fields });
    expect(await outcome({ username: 'a', password: Buffer.from('wrong') })).toBe(badCredentials);
    expect(await outcome({ username: 'a', password: Buffer.from('right') })).toBe(0);
    expect(await outcome({ username: 'a', password: Buffer.alloc(0) })).toBe(0);
    expect(await outcome({ username: '' })).toBe(0);
  });

  it.each([
    ['the client id', { clientId: 'b' }],
    ['the user name', { username: 'b' }],
    ['both', { username: 'b', clientId: 'b' }],
    ['the user name, with its password', { username: 'b', clientId: 'a', password: Buffer.from('right') }],
  ])('of device a with %s of device b are refused like a wrong password', async (_what, fields) => {
    const edge = await SecureEdge.start();
    const client = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await client.connect(fields)).toBe(badCredentials);
    await client.end();
  });

  it('are asked for beside the password where they do not suffice', async () => {
    const edge = await SecureEdge.start({ tls: { certificateSuffices: false } });
    const own = await edge.folder.device('a');
    const outcome = (fields: object) => new SecureClient(edge.clientOptions(own)).connect({ clientId: 'a', ...fields });
    expect(await outcome({})).toBe(badCredentials);
    expect(await outcome({ username: 'a', password: Buffer.from('wrong') })).toBe(badCredentials);
    expect(await outcome({ username: 'b', password: Buffer.from('right') })).toBe(badCredentials);
    expect(await outcome({ username: 'a', password: Buffer.from('right') })).toBe(0);
  });

  it('of an unknown and of a disabled device are refused in the same way', async () => {
    const edge = await SecureEdge.start();
    await edge.registry.change('b', { enabled: false });
    for (const name of ['b', 'unknown']) {
      const client = new SecureClient(edge.clientOptions(await edge.folder.device(name)));
      expect(await client.connect()).toBe(badCredentials);
    }
  });

  it('that name no device, or two, let nobody in', async () => {
    const edge = await SecureEdge.start();
    const names = [{ dns: ['a'] }, { uri: ['urn:device:a', 'urn:device:b'] }];
    for (const [index, each] of names.entries()) {
      const own = await edge.folder.device(`n${index}`, { names: each });
      expect(await new SecureClient(edge.clientOptions(own)).connect()).toBe(badCredentials);
    }
  });

  it('are demanded in the handshake where they are required', async () => {
    const edge = await SecureEdge.start();
    const client = new SecureClient(edge.clientOptions());
    await heardNothing(client);
    expect(await edge.handshake()).toBe('certificate_missing');
  });

  it('may be left out where they are optional, for a password', async () => {
    const edge = await SecureEdge.start({ files: { clientCertificates: 'optional' } });
    const client = () => new SecureClient(edge.clientOptions());
    expect(await client().connect({ clientId: 'x' })).toBe(badCredentials);
    expect(await client().connect({ clientId: 'x', username: 'a', password: Buffer.from('right') })).toBe(0);
  });

  it.each(['required', 'optional'] as const)('of another authority are refused where they are %s', async (mode) => {
    using other = await TlsFolder.make();
    const edge = await SecureEdge.start({ files: { clientCertificates: mode } });
    await heardNothing(new SecureClient(edge.clientOptions(await other.device('a'))));
    expect(await edge.handshake()).toBe('certificate_invalid');
  });

  it('that are made for servers are refused', async () => {
    const edge = await SecureEdge.start();
    const uri = ['urn:device:a'];
    const own = await edge.folder.authority.issue({ kind: 'server', name: 'a', names: { uri }, days: 1 });
    await heardNothing(new SecureClient(edge.clientOptions(own)));
    expect(await edge.handshake()).toBe('certificate_invalid');
  });

  it.each(['required', 'optional'] as const)('that have expired are refused where they are %s', async (mode) => {
    const edge = await SecureEdge.start({ files: { clientCertificates: mode } });
    const own = await edge.folder.device('a', { notBeforeMs: Date.now() - 3 * dayMs });
    await heardNothing(new SecureClient(edge.clientOptions(own)));
    expect(await edge.handshake()).toBe('certificate_expired');
  });

  it('that are revoked are refused, and others are not', async () => {
    const edge = await SecureEdge.start();
    const [a, b] = [await edge.folder.device('a'), await edge.folder.device('b')];
    await edge.folder.authority.revoke('a');
    edge.server.useTls('secure', edge.folder.read());
    await heardNothing(new SecureClient(edge.clientOptions(a)));
    expect(await edge.handshake()).toBe('certificate_revoked');
    expect(await new SecureClient(edge.clientOptions(b)).connect()).toBe(0);
  });

  it('end their connection when they expire', async () => {
    const edge = await SecureEdge.start();
    const short = new SecureClient(edge.clientOptions(await edge.folder.device('a', { days: 1 })));
    const long = new SecureClient(edge.clientOptions(await edge.folder.device('b', { days: 3 })));
    expect([await short.connect(), await long.connect()]).toEqual([0, 0]);
    edge.nowMs += 1.5 * dayMs;
    edge.server.sweep();
    expect(await short.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
    await short.end();
    expect(await long.answers()).toBe(true);
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['certificate_ended']);
  });
});

describe('a resumed session', () => {
  /** Connects, and waits for a ticket. */
  const withTicket = async (edge: SecureEdge, own: Parameters<SecureEdge['clientOptions']>[0]) => {
    const client = new SecureClient(edge.clientOptions(own));
    expect(await client.connect()).toBe(0);
    await until(() => client.session !== undefined, 'a session ticket');
    await edge.handshake();
    client.socket.end();
    await client.end();
    return client.session as Buffer;
  };

  it('spares the full handshake, also after other files with the same authorities', async () => {
    const edge = await SecureEdge.start();
    const own = await edge.folder.device('a');
    const session = await withTicket(edge, own);
    edge.server.useTls('secure', edge.folder.read());
    const client = new SecureClient({ ...edge.clientOptions(own), session });
    expect(await client.connect()).toBe(0);
    expect(await edge.handshake()).toBe('TLSv1.3 resumed');
  });

  it('does not let a certificate back in that was revoked since', async () => {
    const edge = await SecureEdge.start();
    const own = await edge.folder.device('a');
    const session = await withTicket(edge, own);
    await edge.folder.authority.revoke('a');
    edge.server.useTls('secure', edge.folder.read());
    await heardNothing(new SecureClient({ ...edge.clientOptions(own), session }));
    expect(await edge.handshake()).toBe('certificate_revoked');
  });

  it.each(['TLSv1.3', 'TLSv1.2'] as const)(
    'does not let a certificate back in whose signer was revoked since (%s)',
    async (maxVersion) => {
      const { edge, levels } = await twoLevels();
      const own = await levels.device('a');
      const client = new SecureClient({ ...edge.clientOptions(own), maxVersion });
      expect(await client.connect()).toBe(0);
      await until(() => client.session !== undefined, 'a session ticket');
      expect(await edge.handshake()).toBe(maxVersion);
      const again = () =>
        new SecureClient({
          ...edge.clientOptions(own),
          maxVersion,
          ...(client.session && { session: client.session }),
        });
      const resumed = again();
      expect(await resumed.connect({ clientId: 'a' })).toBe(0);
      expect(await edge.handshake()).toBe(`${maxVersion} resumed`);
      await levels.revoke([levels.intermediate.serial]);
      expect(edge.server.useTls('secure', edge.folder.read(levels.files))).toBe(2);
      await Promise.all([client.end(), resumed.end()]);
      await heardNothing(again());
      expect(await edge.handshake()).toBe('certificate_revoked');
    },
  );

  it('does not let a certificate back in whose authority is trusted no more', async () => {
    using other = await TlsFolder.make();
    const edge = await SecureEdge.start();
    const own = await edge.folder.device('a');
    const session = await withTicket(edge, own);
    edge.server.useTls('secure', edge.folder.read({ clientCaFile: other.authority.certFile, crlFiles: [] }));
    await heardNothing(new SecureClient({ ...edge.clientOptions(own), session }));
    expect(await edge.handshake()).toBe('certificate_invalid');
  });
});

describe('a handshake that other authorities come in the way of', () => {
  const begun = async (mode: 'required' | 'optional') => {
    const edge = await SecureEdge.start({ files: { clientCertificates: mode } });
    const { socket } = tcp(edge);
    await until(() => edge.server.handshakes === 1, 'the handshake to begin');
    return { edge, socket };
  };

  it.each(['required', 'optional'] as const)('lets nobody in by those before, where they are %s', async (mode) => {
    using other = await TlsFolder.make();
    const { edge, socket } = await begun(mode);
    const own = await edge.folder.device('a');
    edge.server.useTls('secure', edge.folder.read({ clientCaFile: other.authority.certFile, crlFiles: [] }));
    await heardNothing(new SecureClient({ ...edge.clientOptions(own), socket }));
    expect(await edge.handshake()).toBe('certificate_invalid');
    expect(edge.handshakes.codes).toEqual(['authorities_changed']);
  });

  it('goes on where the authorities are the same, by the new lists', async () => {
    const { edge, socket } = await begun('required');
    const [a, b] = [await edge.folder.device('a'), await edge.folder.device('b')];
    const second = tcp(edge).socket;
    await until(() => edge.server.handshakes === 2, 'the second handshake to begin');
    await edge.folder.authority.revoke('b');
    edge.server.useTls('secure', edge.folder.read());
    expect(await new SecureClient({ ...edge.clientOptions(a), socket }).connect()).toBe(0);
    await edge.handshake();
    await heardNothing(new SecureClient({ ...edge.clientOptions(b), socket: second }));
    expect(await edge.handshake()).toBe('certificate_revoked');
  });

  it('goes on for who shows no certificate where none is demanded', async () => {
    using other = await TlsFolder.make();
    const { edge, socket } = await begun('optional');
    edge.server.useTls('secure', edge.folder.read({ clientCaFile: other.authority.certFile, crlFiles: [] }));
    const client = new SecureClient({ ...edge.clientOptions(), socket });
    expect(await client.connect({ clientId: 'c', username: 'a', password: Buffer.from('right') })).toBe(0);
  });
});

describe('a certificate that is revoked', () => {
  const will = { topic: 'v1/vehicles/v/telemetry', payload: Buffer.from('w'), qos: 1, retain: false };
  const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } };
  const delayed = { ...will, properties: { willDelayInterval: 300 } };
  const revoke = async (edge: SecureEdge, name: string) => {
    await edge.folder.authority.revoke(name);
    return edge.server.useTls('secure', edge.folder.read());
  };
  const counts = (edge: SecureEdge) => ({
    published: edge.seen.of('willPublished').length,
    withdrawn: edge.seen.of('willWithdrawn').length,
    sessions: edge.server.sessions,
    pending: edge.server.pendingWills,
  });

  it.each([
    ['a will', { will }],
    ['a delayed will', { ...lasting, will: delayed }],
  ])('takes the session of its connection with it, and %s', async (_what, fields) => {
    const edge = await SecureEdge.start();
    const [a, b] = [await edge.folder.device('a'), await edge.folder.device('b')];
    const client = new SecureClient(edge.clientOptions(a));
    const good = new SecureClient(edge.clientOptions(b));
    const connected = [client.connect({ ...fields, clientId: 'a' }), good.connect({ ...fields, clientId: 'b' })];
    expect(await Promise.all(connected)).toEqual([0, 0]);
    expect(await revoke(edge, 'a')).toBe(1);
    await client.end();
    expect(counts(edge)).toEqual({ published: 0, withdrawn: 1, sessions: 1, pending: 0 });
  });

  it('takes with it what its device has left behind: sessions, and wills that wait', async () => {
    const edge = await SecureEdge.start();
    const [a, b] = [await edge.folder.device('a'), await edge.folder.device('b')];
    for (const [own, clientId] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      const client = new SecureClient(edge.clientOptions(own));
      expect(await client.connect({ ...lasting, clientId, will: delayed })).toBe(0);
      client.socket.destroy();
    }
    await until(() => edge.server.pendingWills === 2, 'both wills to wait');
    expect(await revoke(edge, 'a')).toBe(0);
    expect(counts(edge)).toEqual({ published: 0, withdrawn: 1, sessions: 1, pending: 1 });
  });

  it('takes with it a will that waits for the pressure to fall, whose session has ended', async () => {
    const edge = await SecureEdge.start();
    const client = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await client.connect({ will })).toBe(0);
    edge.server.setPressure(2);
    edge.nowMs += 1.5 * dayMs;
    edge.server.sweep();
    expect(counts(edge)).toMatchObject({ sessions: 0, pending: 1 });
    expect(await revoke(edge, 'a')).toBe(0);
    edge.server.setPressure(0);
    edge.server.sweep();
    expect(counts(edge)).toEqual({ published: 0, withdrawn: 1, sessions: 0, pending: 0 });
  });

  it('leaves alone what another certificate of the same device has taken up', async () => {
    const edge = await SecureEdge.start();
    const old = await edge.folder.device('a');
    const first = new SecureClient(edge.clientOptions(old));
    expect(await first.connect({ ...lasting, clientId: 'a', will: delayed })).toBe(0);
    const renewed = await edge.folder.device('a', { replace: true });
    const second = new SecureClient(edge.clientOptions(renewed));
    expect(await second.connect({ ...lasting, clientId: 'a', will: delayed })).toBe(0);
    expect(await revoke(edge, old.serial)).toBe(0);
    expect(await second.answers()).toBe(true);
  });

  it('is not one that has expired: its will is published', async () => {
    const edge = await SecureEdge.start();
    const client = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await client.connect({ will })).toBe(0);
    edge.nowMs += 1.5 * dayMs;
    edge.server.sweep();
    await client.end();
    expect(counts(edge)).toMatchObject({ published: 1, withdrawn: 0 });
  });
});

describe('the authority between a root and the devices', () => {
  it('that is revoked takes the connections of its devices with it, and lets none of them in', async () => {
    const { edge, levels } = await twoLevels();
    const own = await levels.device('a');
    const client = new SecureClient(edge.clientOptions(own));
    expect(await client.connect()).toBe(0);
    await edge.handshake();
    await levels.revoke([levels.intermediate.serial]);
    expect(edge.server.useTls('secure', edge.folder.read(levels.files))).toBe(1);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
    await heardNothing(new SecureClient(edge.clientOptions(own)));
    expect(await edge.handshake()).toBe('certificate_revoked');
  });
});

describe('other files', () => {
  it('apply to the next handshake, and leave connections alone', async () => {
    const edge = await SecureEdge.start();
    const first = new SecureClient(edge.clientOptions(await edge.folder.device('a')));
    expect(await first.connect()).toBe(0);
    const renewed = await edge.folder.authority.issue({ kind: 'server', name: '127.0.0.1', days: 9, replace: true });
    expect(edge.server.useTls('secure', edge.folder.read())).toBe(0);
    const second = new SecureClient(edge.clientOptions(await edge.folder.device('b')));
    expect(await second.connect()).toBe(0);
    expect(second.socket.getPeerCertificate().serialNumber.toLowerCase()).toBe(renewed.serial);
    expect(await first.answers()).toBe(true);
  });

  it('end the connections whose certificates are revoked by them, and no others', async () => {
    const edge = await SecureEdge.start();
    const [a, b] = [await edge.folder.device('a'), await edge.folder.device('b')];
    const revoked = new SecureClient(edge.clientOptions(a));
    const good = new SecureClient(edge.clientOptions(b));
    expect([await revoked.connect(), await good.connect()]).toEqual([0, 0]);
    await DevelopmentAuthority.open(edge.folder.path).revoke(a.serial);
    expect(edge.server.useTls('secure', edge.folder.read())).toBe(1);
    expect(await revoked.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
    await revoked.end();
    expect(await good.answers()).toBe(true);
    expect(edge.server.useTls('secure', edge.folder.read())).toBe(0);
  });
});
