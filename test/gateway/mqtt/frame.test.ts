import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Framer, type FrameStatus } from '../../../gateway/mqtt/frame.ts';

/** Fixed header for `length` remaining bytes. */
function header(first: number, length: number): Buffer {
  const bytes = [first];
  let rest = length;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

const frame = (first: number, body: Uint8Array) => Buffer.concat([header(first, body.length), body]);

function readAll(chunks: Buffer[], limit: number): { packets: [number, string][]; end: FrameStatus } {
  const framer = new Framer();
  const packets: [number, string][] = [];
  for (const chunk of chunks) {
    framer.accept(chunk);
    for (;;) {
      const status = framer.next(limit);
      if (status === 'incomplete') break;
      if (status !== 'packet') return { packets, end: status };
      packets.push([framer.first, framer.bytes.subarray(framer.start, framer.end).toString('hex')]);
    }
  }
  return { packets, end: 'incomplete' };
}

describe('Framer', () => {
  it('finds the same packets however the stream is cut into chunks', () => {
    const packets = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 2000 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (wanted, cuts) => {
        const stream = Buffer.concat(wanted.map(([first, body]) => frame(first, body)));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i += 1) {
          const size = cuts[i % cuts.length] as number;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const found = readAll(chunks, 10_000);
        expect(found.end).toBe('incomplete');
        expect(found.packets).toEqual(wanted.map(([first, body]) => [first, Buffer.from(body).toString('hex')]));
      }),
    );
  });

  it('views a packet inside one chunk without copying it', () => {
    const framer = new Framer();
    const chunk = frame(0x30, Buffer.from('abc'));
    framer.accept(chunk);
    expect(framer.next(100)).toBe('packet');
    expect(framer.bytes).toBe(chunk);
  });

  it('refuses a packet above the limit as soon as its length is known', () => {
    const framer = new Framer();
    framer.accept(header(0x30, 99));
    expect(framer.next(100)).toBe('too_large');
    const bytewise = [...header(0x30, 300)].map((byte) => Buffer.from([byte]));
    expect(readAll(bytewise, 100).end).toBe('too_large');
  });

  it('takes a packet of exactly the limit', () => {
    expect(readAll([frame(0x30, Buffer.alloc(98))], 100).packets).toHaveLength(1);
  });

  it('refuses a remaining length of five bytes, also when it arrives byte by byte', () => {
    const bytes = [0x30, 0xff, 0xff, 0xff, 0xff, 0x01];
    expect(readAll([Buffer.from(bytes)], 300_000_000).end).toBe('malformed_length');
    expect(
      readAll(
        bytes.map((byte) => Buffer.from([byte])),
        300_000_000,
      ).end,
    ).toBe('malformed_length');
  });

  it('does not reserve the announced size before the bytes come', () => {
    const before = process.memoryUsage().arrayBuffers;
    const framers: Framer[] = [];
    for (let i = 0; i < 1_000; i += 1) {
      const framer = new Framer();
      framer.accept(Buffer.concat([header(0x10, 250_000), Buffer.alloc(10)]));
      expect(framer.next(262_144)).toBe('incomplete');
      framers.push(framer);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    expect(framers).toHaveLength(1_000);
  });

  it('stops after each packet and keeps the rest', () => {
    const framer = new Framer();
    framer.accept(Buffer.concat([frame(0x30, Buffer.from('a')), frame(0x40, Buffer.from('b'))]));
    expect(framer.next(100)).toBe('packet');
    expect(framer.hasUnread).toBe(true);
    framer.accept(frame(0x50, Buffer.from('c')));
    expect([framer.next(100), framer.first]).toEqual(['packet', 0x40]);
    expect([framer.next(100), framer.first]).toEqual(['packet', 0x50]);
    expect(framer.next(100)).toBe('incomplete');
  });
});
