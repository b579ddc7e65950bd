import { describe, expect, it } from 'vitest';
import { WaitingCopies } from '../../../../gateway/core/duplicates/waiting-copies.ts';
import { delivered } from '../../../../gateway/core/outcome.ts';
import { tellAll } from '../../../../gateway/core/publish.ts';
import { LosablePublish } from './support.ts';

const limits = { maxWaitingCopies: 100, maxWaitingBytes: 10_000 };

/** Has a publish wait for sequence 5 of a boot of device 3. */
function wait(copies: WaitingCopies, bootId = 1): LosablePublish {
  const publish = new LosablePublish({});
  publish.expect(1);
  copies.add(3, bootId, 5, publish, 10);
  return publish;
}

describe('copies that wait', () => {
  it('leave nothing behind when their connections have gone, also when none comes after them', () => {
    const copies = new WaitingCopies(limits);
    const waiting = [wait(copies), wait(copies)];
    for (const publish of waiting) publish.isLost = true;
    expect(copies.hasRoom(3, 1, 5, 0)).toBe(true);
    expect([copies.count, copies.bytes, copies.devices]).toEqual([0, 0, 0]);
    wait(copies);
    expect([copies.count, copies.bytes, copies.devices]).toEqual([1, 10, 1]);
  });

  it('leave nothing behind when they were told', () => {
    const copies = new WaitingCopies(limits);
    wait(copies, 1);
    wait(copies, 2);
    tellAll(copies.take(3, 1, 5) ?? [], delivered);
    expect([copies.count, copies.devices]).toEqual([1, 1]);
    tellAll(copies.take(3, 2, 5) ?? [], delivered);
    expect([copies.count, copies.devices]).toEqual([0, 0]);
  });
});
