import { describe, expect, it } from 'vitest';
import { createFleet, type Device } from '../../../device-simulator/core/fleet.ts';
import { type EntryKind, entryKinds } from '../../../faults/fleet/ledger-format.ts';
import { Account } from '../../../faults/judge/account.ts';
import { Judgement } from '../../../faults/judge/judgement.ts';

function accountOf(
  ignored: ConstructorParameters<typeof Account>[0],
  entries: readonly [EntryKind, number, number][],
  untilMs?: number,
) {
  const account = new Account(ignored, untilMs);
  account.begin({ runId: 1, vehicles: 1, startedAtMs: 0 });
  for (const [kind, sequence, atMs] of entries) account.entry({ device: 0, sequence, kind, atMs, code: 0, content: 0 });
  return account;
}

describe('the account of a fleet', () => {
  it('counts what was sent again, and keeps what was invalid on purpose apart', () => {
    const account = accountOf(undefined, [
      [entryKinds.invalid, 1, 0],
      [entryKinds.sent, 1, 0],
      [entryKinds.sent, 2, 0],
      [entryKinds.sentAgain, 1, 0],
      [entryKinds.sentAgain, 2, 0],
      [entryKinds.rejected, 1, 0],
      [entryKinds.acknowledged, 2, 0],
    ]);
    expect(account.resent).toBe(2);
    expect([...(account.invalid[0] ?? [])]).toEqual([1]);
    expect(account.ledger.total('sent')).toBe(2);
    expect(account.ledger.total('acknowledged')).toBe(1);
    expect(account.ledger.total('rejected')).toBe(1);
  });

  it('excuses events that were acknowledged in the ignored times, both ends included', () => {
    const acknowledged = ([1, 2, 3, 4, 5] as const).flatMap((sequence): [EntryKind, number, number][] => [
      [entryKinds.sent, sequence, 0],
      [entryKinds.acknowledged, sequence, sequence * 10],
    ]);
    const account = accountOf(
      [
        { fromMs: 20, toMs: 30 },
        { fromMs: 50, toMs: Number.POSITIVE_INFINITY },
      ],
      acknowledged,
    );
    expect([...(account.excused[0] ?? [])]).toEqual([2, 3, 5]);
    // Nothing is in Kafka: what is not excused is lost.
    expect(new Judgement(account).conclude()).toMatchObject({ lost: 2, excused: 3, acked: 5 });
  });

  it('excuses no dead letter: its topic was not deleted', () => {
    const account = accountOf(
      [{ fromMs: 0, toMs: 100 }],
      [
        [entryKinds.invalid, 1, 0],
        [entryKinds.sent, 1, 0],
        [entryKinds.sent, 2, 0],
        // As MQTT 3.1.1 answers what was rejected, and as MQTT 5 does.
        [entryKinds.acknowledged, 1, 10],
        [entryKinds.rejected, 2, 10],
      ],
    );
    expect(new Judgement(account).conclude()).toMatchObject({ lost: 2, lostLetters: 2, excused: 0 });
  });

  it('does not count answers that came later', () => {
    const answered = ([1, 2] as const).flatMap((sequence): [EntryKind, number, number][] => [
      [entryKinds.sent, sequence, 0],
      [sequence === 1 ? entryKinds.acknowledged : entryKinds.rejected, sequence, 30],
    ]);
    const verdictUntil = (untilMs: number) => new Judgement(accountOf([], answered, untilMs)).conclude();
    expect(verdictUntil(29)).toMatchObject({ acked: 0, rejected: 0, unanswered: 2, lost: 0 });
    expect(verdictUntil(30)).toMatchObject({ acked: 1, rejected: 1, unanswered: 0, lost: 2 });
  });

  describe('with publishes at QoS 0', () => {
    const account = () =>
      accountOf(undefined, [
        [entryKinds.sent, 1, 0],
        [entryKinds.sentOnce, 2, 0],
        [entryKinds.sentOnce, 3, 0],
        [entryKinds.sent, 4, 0],
        [entryKinds.acknowledged, 1, 10],
      ]);
    const event = (sequence: number) => {
      const [vehicle] = createFleet({ vehicles: 1, bays: 0, runId: 1 });
      const { boundTo, bootId, deviceId } = vehicle as Device;
      return {
        ...{ topic: 'events', partitions: 1, partition: 0, key: boundTo, expectedKey: boundTo, subject: boundTo },
        ...{ bootId, sequence, eventId: `${deviceId}:${bootId}:${sequence}`, content: 0 },
      };
    };
    const verdictOf = (...sequences: number[]) => {
      const judgement = new Judgement(account());
      for (const sequence of sequences) judgement.observeEvent(event(sequence));
      return judgement.conclude();
    };

    it('counts them apart: neither answered nor unanswered, and the sum is what was sent', () => {
      const verdict = verdictOf(1, 2);
      expect(verdict).toMatchObject({ sent: 4, acked: 1, rejected: 0, unanswered: 1, sentOnce: 2, sentOnceStored: 1 });
      expect(verdict.acked + verdict.rejected + verdict.unanswered + verdict.sentOnce).toBe(verdict.sent);
    });

    it('misses none of them, and takes none for a phantom', () => {
      expect(verdictOf(1)).toMatchObject({ lost: 0, sentOnceStored: 0, phantom: 0 });
      expect(verdictOf(1, 2, 3)).toMatchObject({ lost: 0, sentOnceStored: 2, phantom: 0, outOfOrder: 0 });
    });

    it('holds what has arrived to order, and explains no copy of it', () => {
      expect(verdictOf(1, 3, 2)).toMatchObject({ outOfOrder: 1 });
      expect(verdictOf(1, 2, 2)).toMatchObject({ duplicated: 1, unexplained: 1 });
    });
  });

  it('refuses an answer to what was never sent: such a ledger cannot be judged by', () => {
    expect(() => accountOf(undefined, [[entryKinds.acknowledged, 1, 0]])).toThrow(RangeError);
  });
});
