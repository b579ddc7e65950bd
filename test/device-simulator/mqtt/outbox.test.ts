import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publishFrame } from '../../../device-simulator/mqtt/frames.ts';
import { type OutboundMessage, Outbox } from '../../../device-simulator/mqtt/outbox.ts';

const dup = (message: OutboundMessage) => ((message.frame[0] as number) & 0x08) !== 0;

function add(outbox: Outbox, sequence: number): void {
  const packetId = outbox.nextPacketId();
  const frame = publishFrame(Buffer.from('t'), packetId, Buffer.alloc(1), 4);
  outbox.add({ sequence, intendedMs: 0, packetId, frame, sent: false, released: false, settled: false });
}

/** Takes what the window allows, as a connection does. */
function write(outbox: Outbox, window: number): OutboundMessage[] {
  const written: OutboundMessage[] = [];
  for (let next = outbox.takeNext(window); next; next = outbox.takeNext(window)) {
    next.sent = true;
    written.push(next);
  }
  return written;
}

describe('the outbox', () => {
  it('has no more in flight than the window allows', () => {
    const outbox = new Outbox(100);
    for (let i = 1; i <= 10; i += 1) add(outbox, i);
    expect(write(outbox, 4).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    outbox.settle(1);
    outbox.settle(3);
    expect(outbox.inFlight).toBe(2);
    expect(write(outbox, 4).map(({ sequence }) => sequence)).toEqual([5, 6]);
  });

  it('writes everything unsettled again after a lost connection, in order, before anything new, marked DUP', () => {
    const outbox = new Outbox(100);
    for (let i = 1; i <= 5; i += 1) add(outbox, i);
    write(outbox, 3);
    outbox.settle(2);
    outbox.rewind();
    const written = write(outbox, 10);
    expect(written.map(({ sequence }) => sequence)).toEqual([1, 3, 4, 5]);
    expect(written.map(dup)).toEqual([true, true, false, false]);
    expect(written.map(({ packetId }) => packetId)).toEqual([1, 3, 4, 5]);
  });

  it('ignores an acknowledgement of what is not in flight', () => {
    const outbox = new Outbox(100);
    add(outbox, 1);
    expect(outbox.settle(1)).toBeUndefined();
    write(outbox, 1);
    expect(outbox.settle(2)).toBeUndefined();
    expect(outbox.settle(1)?.sequence).toBe(1);
    expect(outbox.settle(1)).toBeUndefined();
  });

  it('is full at its capacity', () => {
    const outbox = new Outbox(2);
    add(outbox, 1);
    expect(outbox.isFull).toBe(false);
    add(outbox, 2);
    expect(outbox.isFull).toBe(true);
    write(outbox, 2);
    outbox.settle(1);
    expect(outbox.isFull).toBe(false);
  });

  it('never uses packet id 0', () => {
    const outbox = new Outbox(1);
    const ids = Array.from({ length: 65_537 }, () => outbox.nextPacketId());
    expect(ids.slice(0, 2)).toEqual([1, 2]);
    expect(ids.slice(-3)).toEqual([65_535, 1, 2]);
  });

  it('delivers each message exactly once into the ledger, first attempts in order, whatever happens', () => {
    const step = fc.oneof(
      fc.constant('add' as const),
      fc.constant('write' as const),
      fc.constant('lose' as const),
      fc.nat({ max: 6 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 5 }), (steps, window) => {
        const outbox = new Outbox(1_000);
        const firstAttempts: number[] = [];
        const settled: number[] = [];
        let flight: OutboundMessage[] = [];
        let sequence = 0;
        for (const each of steps) {
          if (each === 'add') add(outbox, ++sequence);
          else if (each === 'lose') {
            outbox.rewind();
            flight = [];
          } else if (each === 'write') {
            for (let next = outbox.takeNext(window); next; next = outbox.takeNext(window)) {
              expect(dup(next)).toBe(next.sent);
              if (!next.sent) firstAttempts.push(next.sequence);
              next.sent = true;
              flight.push(next);
            }
          } else {
            const [answered] = flight.splice(each, 1);
            if (answered) settled.push(outbox.settle(answered.packetId)?.sequence ?? -1);
          }
          expect(outbox.inFlight).toBe(flight.length);
          expect(outbox.inFlight).toBeLessThanOrEqual(window);
        }
        expect(firstAttempts).toEqual(firstAttempts.map((_, i) => i + 1));
        expect(new Set(settled).size).toBe(settled.length);
        expect(settled).not.toContain(-1);
        expect(outbox.unsettled.length).toBe(sequence - settled.length);
      }),
    );
  });
});
