import { Buffer } from 'node:buffer';
import { SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxProxyHeaderBytes, readProxyHeader } from '../../../../gateway/mqtt/proxy-protocol/header.ts';
import { type ProxyHeaderWish, proxyHeader } from '../../../support/proxy-header.ts';

const octets = (count: number) => fc.array(fc.nat(255), { minLength: count, maxLength: count });
const source = fc.oneof(octets(4), octets(16));
const extension = fc.tuple(
  fc.nat(255).filter((type) => type !== 0x03),
  fc.uint8Array({ maxLength: 60 }),
);
const wish: fc.Arbitrary<ProxyHeaderWish> = fc.record({
  source,
  extensions: fc.array(extension, { maxLength: 5 }),
  checksum: fc.boolean(),
});

describe('a header of the PROXY protocol', () => {
  it('says whom a connection is from, over IPv4 and IPv6', () => {
    expect(readProxyHeader(proxyHeader())).toEqual({ kind: 'complete', length: 28, source: '203.0.113.9' });
    const v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    expect(readProxyHeader(proxyHeader({ source: v6 }))).toMatchObject({ length: 52, source: '2001:db8::1' });
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
    expect(readProxyHeader(proxyHeader({ source: mapped }))).toMatchObject({ source: '192.0.2.1' });
  });

  it('of the balancer itself says nobody, whatever is in it', () => {
    for (const family of [0x00, 0x11, 0x31, 0xff]) {
      const header = proxyHeader({ command: 0, family });
      expect(readProxyHeader(header)).toEqual({ kind: 'complete', length: header.length, source: undefined });
    }
  });

  it('may carry extensions, and a checksum that is right', () => {
    const extensions = [
      [0x04, Buffer.alloc(300)],
      [0x02, Buffer.from('edge.example')],
    ] as const;
    expect(readProxyHeader(proxyHeader({ extensions, checksum: true }))).toMatchObject({ kind: 'complete' });
  });

  it('is found whole in any number of parts, and ends where it says', () => {
    fc.assert(
      fc.property(wish, fc.uint8Array({ maxLength: 100 }), (wanted, behind) => {
        const header = proxyHeader(wanted);
        for (let length = 0; length < header.length; length += 1) {
          expect(readProxyHeader(header.subarray(0, length))).toEqual({ kind: 'incomplete' });
        }
        const whole = readProxyHeader(header);
        expect(whole).toMatchObject({ kind: 'complete', length: header.length });
        expect(readProxyHeader(Buffer.concat([header, behind]))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('names addresses as the system names them', () => {
    // What looks like an address of IPv4 in one of IPv6 is written in several ways.
    const plain = octets(16).filter((bytes) => bytes.slice(0, 10).some((byte) => byte !== 0));
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 });
    const any = fc.oneof(
      plain,
      sparse.filter((bytes) => bytes.slice(0, 10).some((byte) => byte !== 0)),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
        const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
        expect(readProxyHeader(proxyHeader({ source: bytes }))).toMatchObject({ source: address });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a hostile header', () => {
  const good = proxyHeader();
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  const withTail = (hex: string): Buffer => {
    const tail = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const bytes = Buffer.concat([good, tail]);
    bytes.writeUInt16BE(12 + tail.length, 14);
    return bytes;
  };
  const wrongChecksum = proxyHeader({ checksum: true });
  wrongChecksum[17] = (wrongChecksum[17] as number) ^ 1;

  it.each([
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), 'text_version'],
    ['the first letter of version 1', Buffer.from('P'), 'text_version'],
    ['MQTT', Buffer.from('100c00044d51545405', 'hex'), 'signature'],
    ['TLS', Buffer.from('160301', 'hex'), 'signature'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'signature'],
    ['line ends as of HTTP, then something else', Buffer.from('\r\n\r\nGET'), 'signature'],
    ['a signature whose last byte is wrong', changed(11, 0x0b), 'signature'],
    ['version 1 in binary', changed(12, 0x11), 'version'],
    ['version 3', changed(12, 0x31), 'version'],
    ['a command that does not exist', changed(12, 0x22), 'command'],
    ['no address family', changed(13, 0x00), 'family'],
    ['UDP over IPv4', changed(13, 0x12), 'family'],
    ['a UNIX socket', proxyHeader({ source: Array.from({ length: 106 }, () => 0x61), family: 0x31 }), 'family'],
    ['IPv6 with addresses of IPv4', changed(13, 0x21), 'length'],
    ['no room for its addresses', changed(15, 11), 'length'],
    ['more than the longest', changed(14, 0x08), 'too_long'],
    ['64 KiB', changed(14, 0xff), 'too_long'],
    ['an extension without its length', withTail('04 00'), 'extension'],
    ['an extension longer than the header', withTail('04 00 05 00'), 'extension'],
    ['an extension of 64 KiB', withTail('04 ff ff'), 'extension'],
    ['a checksum of two bytes', withTail('03 00 02 0000'), 'extension'],
    ['two checksums', withTail('03 00 04 00000000 03 00 04 00000000'), 'extension'],
    ['a checksum that is wrong', withTail('03 00 04 00000000'), 'checksum'],
    ['another address under the checksum', wrongChecksum, 'checksum'],
  ])('with %s is refused', (_what, bytes, reason) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'refused', reason });
  });

  it('never has more waited for than the longest header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: maxProxyHeaderBytes, maxLength: maxProxyHeaderBytes + 50 }), (bytes) => {
        const begun = Buffer.from(bytes);
        good.copy(begun, 0, 0, 14);
        expect(readProxyHeader(begun).kind).not.toBe('incomplete');
      }),
    );
  });

  it('stays refused, or complete, with whatever comes behind', () => {
    const damaged = fc
      .tuple(wish, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([wanted, changes]) => {
        const bytes = proxyHeader(wanted);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        let decided: ReturnType<typeof readProxyHeader> | undefined;
        for (let length = 0; length <= bytes.length; length += 1) {
          const read = readProxyHeader(bytes.subarray(0, length));
          // What begins like version 1 may turn out to be something else.
          if (decided?.kind === 'refused') expect(read.kind).toBe('refused');
          else if (decided !== undefined) expect(read).toEqual(decided);
          else if (read.kind !== 'incomplete') decided = read;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('with one wrong byte under a checksum never names another address', () => {
    fc.assert(
      fc.property(source, fc.nat(), fc.nat(255), (wanted, at, value) => {
        const bytes = proxyHeader({ source: wanted, checksum: true });
        const right = readProxyHeader(bytes);
        bytes[at % bytes.length] = value;
        const read = readProxyHeader(bytes);
        if (read.kind !== 'complete' || right.kind !== 'complete') return;
        expect([right.source, undefined]).toContain(read.source);
      }),
      { numRuns: 2000 },
    );
  });
});
