import { describe, expect, it } from 'vitest';
import { delivered, duplicate, type Outcome, rejected, spooled, unanswered } from '../../../../gateway/core/outcome.ts';
import { anonymous, protobufBytes, report, TestPublish } from '../fixture.ts';
import { Core, deadLetterTopic } from './support.ts';

const refused: Outcome = rejected({ reason: 'refused_by_kafka', detail: 'INVALID_RECORD' });

describe('a copy of an event that is durable', () => {
  it.each([
    ['on Kafka', delivered],
    ['in the spool', spooled],
  ])('is answered at once and not written, when the event is %s', (_where, outcome) => {
    const core = new Core();
    core.send(1);
    core.sink.settle(outcome);
    const copy = core.send(1);
    expect(copy.answers).toEqual([duplicate]);
    expect(core.sink.appended).toBe(1);
    expect(core.account.counts).toMatchObject({ received: 2, duplicate: 1 });
    expect(core.sequences.counts).toEqual({ 'copy settled': 1 });
  });

  it('is dropped whichever QoS it has, and whether it comes alone or in a batch', () => {
    const core = new Core();
    core.send([1, 2, 3]);
    for (let i = 0; i < 3; i++) core.sink.settle(delivered);
    for (const qos of [0, 1, 2] as const) expect(core.send(2, { qos }).answers).toEqual([duplicate]);
    expect(core.send([1, 2, 3]).answers).toEqual([duplicate]);
    expect(core.sink.appended).toBe(3);
  });

  it('leaves the rest of its batch to be written', () => {
    const core = new Core();
    core.send(2);
    core.sink.settle(delivered);
    const batch = core.send([1, 2, 3]);
    expect(core.sink.sequences).toEqual([1, 3]);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([]);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([delivered]);
    expect(core.account.counts).toEqual({ received: 2, delivered: 2 });
  });

  it('is of the same device only, and under an anonymous client of the same vehicle', () => {
    const core = new Core();
    core.send(1);
    core.sink.settle(delivered);
    core.send(1, { deviceId: 'unit-8' });
    expect(core.sink.appended).toBe(2);
    for (const vehicleId of ['veh-1', 'veh-2', 'veh-1']) {
      const payload = protobufBytes('VehicleTelemetry', { ...report, vehicleId });
      core.receive(new TestPublish({ identity: anonymous, topic: `v1/vehicles/${vehicleId}/telemetry`, payload }));
      if (core.sink.held.length > 0) core.sink.settle(delivered);
    }
    expect(core.sink.appended).toBe(4);
  });
});

describe('a copy of a pending event in a batch that has the window moved on', () => {
  it.each([
    ['by a sequence far ahead', [1000, 1]],
    ['by a sequence far ahead, behind it', [1, 1000]],
  ])('is written, as nobody would tell it how the first one ended: %s', (_how, sequences) => {
    const core = new Core({ windowSize: 64 });
    const first = core.send(1);
    const batch = core.send(sequences);
    expect(core.sink.appended).toBe(3);
    while (core.sink.held.length > 0) core.sink.settle(delivered);
    expect(first.answers).toEqual([delivered]);
    expect(batch.answers).toEqual([delivered]);
    expect(core.windows.waitingCopies).toBe(0);
  });

  it('is written likewise where a boot that is new takes the window of its own', () => {
    const core = new Core();
    core.send(1, { bootId: 1 });
    core.send(1, { bootId: 2 });
    const items = [
      { ...report, bootId: 3, sequence: 1 },
      { ...report, bootId: 1, sequence: 1 },
    ];
    const payload = protobufBytes('VehicleTelemetryBatch', { items });
    const batch = core.receive(new TestPublish({ topic: 'v1/vehicles/veh-7/telemetry/batch', payload }));
    while (core.sink.held.length > 0) core.sink.settle(delivered);
    expect(batch.answers).toEqual([delivered]);
  });
});

describe('an event with the sequence of another, which it cannot be a copy of', () => {
  const later = { eventTimeUs: report.eventTimeUs + 1 };
  const rejection = {
    reason: 'reused_sequence',
    field: 'sequence',
    detail: 'sequence 1 of boot 1 is that of another event, of another time',
  } as const;

  it.each([
    ['on Kafka', [delivered]],
    ['pending', []],
  ])('is a dead letter before its device hears of it: the first one is %s', (_where, outcomes) => {
    const core = new Core();
    core.send(1);
    for (const outcome of outcomes) core.sink.settle(outcome);
    const second = core.send(1, later);
    expect(second.answers).toEqual([]);
    expect(core.sink.held.at(-1)?.topic).toBe(deadLetterTopic);
    core.sink.settle(delivered, core.sink.held.length - 1);
    expect(second.answers).toEqual([rejected(rejection)]);
    expect(core.sequences.counts).toEqual({ reused: 1 });
    expect(core.account.counts).toMatchObject({ received: 2, lettered: 1 });
  });

  it('is a copy while it is not later than all that its boot has sent', () => {
    const core = new Core();
    core.send(1);
    core.send(2, later);
    for (let i = 0; i < 2; i++) core.sink.settle(delivered);
    expect(core.send(1, later).answers).toEqual([duplicate]);
    expect(core.send(1, { eventTimeUs: 0 }).answers).toEqual([duplicate]);
    expect(core.sequences.counts).toEqual({ 'copy settled': 2 });
  });

  it('rejects its batch as a whole, of which nothing is written', () => {
    const core = new Core();
    core.send(1);
    core.sink.settle(delivered);
    const batch = core.send([1, 2, 3], later);
    expect(core.sink.held.map(({ topic }) => topic)).toEqual([deadLetterTopic]);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([rejected(rejection)]);
    expect(core.send(2).answers).toEqual([]);
  });

  it('may be in the same publish as the other', () => {
    const core = new Core();
    const items = [report.eventTimeUs, report.eventTimeUs - 1].map((eventTimeUs) => {
      return { ...report, bootId: 1, sequence: 1, eventTimeUs };
    });
    const payload = protobufBytes('VehicleTelemetryBatch', { items });
    const batch = core.receive(new TestPublish({ topic: 'v1/vehicles/veh-7/telemetry/batch', payload }));
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([rejected(rejection)]);
  });
});

describe('a copy of an event that is pending', () => {
  it.each([
    [delivered, [duplicate]],
    [spooled, [duplicate]],
    [unanswered, [unanswered]],
  ])('writes nothing and waits: the first one ends $kind', (outcome, answers) => {
    const core = new Core();
    const first = core.send(1);
    const copy = core.send(1);
    expect(copy.answers).toEqual([]);
    expect(core.windows.waitingCopies).toBe(1);
    core.sink.settle(outcome);
    expect(first.answers).toEqual([outcome]);
    expect(copy.answers).toEqual(answers);
    expect(core.windows.waitingCopies).toBe(0);
    expect(core.sink.appended).toBe(1);
    expect(core.account.open).toBe(0);
  });

  it('gets the rejection of the first one when that one has it, and shares its dead letter', () => {
    const core = new Core();
    const first = core.send(1);
    const copy = core.send(1);
    core.sink.settle(refused);
    expect(core.sink.held).toMatchObject([{ topic: deadLetterTopic }]);
    expect([first.answers, copy.answers]).toEqual([[], []]);
    expect(core.windows.waitingCopies).toBe(1);
    core.sink.settle(delivered);
    expect(first.answers).toEqual([refused]);
    expect(copy.answers).toEqual([refused]);
    expect(core.sink.held).toEqual([]);
    expect(core.account.counts).toEqual({ received: 2, lettered: 1, duplicate: 1 });
  });

  it('is left without an answer when that dead letter is', () => {
    const core = new Core();
    core.send(1);
    const copy = core.send(1);
    core.sink.settle(refused);
    core.sink.settle(unanswered);
    expect(copy.answers).toEqual([unanswered]);
    expect(core.account.open).toBe(0);
  });

  it('waits for its own event only, not for the rest of the batch that the event is in', () => {
    const core = new Core();
    const batch = core.send([1, 2]);
    const copy = core.send(1);
    core.sink.settle(delivered);
    expect(copy.answers).toEqual([duplicate]);
    expect(batch.answers).toEqual([]);
  });

  it('of QoS 0 waits for nothing: nobody waits for its answer', () => {
    const core = new Core();
    core.send(1);
    expect(core.send(1, { qos: 0 }).answers).toEqual([duplicate]);
    expect(core.windows.waitingCopies).toBe(0);
  });

  it('in a batch holds back the answer to what was written of it', () => {
    const core = new Core();
    core.send(1);
    const batch = core.send([1, 2]);
    expect(core.sink.sequences).toEqual([1, 2]);
    core.sink.settle(delivered, 1);
    expect(batch.answers).toEqual([]);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([delivered]);
  });

  it('in a batch of which something was written gets a dead letter of its own when the first one is refused', () => {
    const core = new Core();
    core.send(1);
    const batch = core.send([1, 2]);
    core.sink.settle(delivered, 1);
    core.sink.settle(refused);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([]);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([refused]);
    expect(core.account.counts).toEqual({ received: 2, lettered: 2 });
  });

  it('makes room when its connection has gone, for the device has sent the event again', () => {
    const core = new Core();
    core.send(1);
    const lost = Array.from({ length: 20 }, () => {
      const copy = core.send(1);
      copy.isLost = true;
      return copy;
    });
    const last = core.send(1);
    expect(core.windows.waitingCopies).toBe(1);
    core.sink.settle(delivered);
    expect(last.answers).toEqual([duplicate]);
    for (const copy of lost) expect(copy.answers).toEqual([unanswered]);
    expect(core.sink.appended).toBe(1);
    expect(core.account.open).toBe(0);
  });

  it.each([
    ['of the same event', {}, 4],
    ['of all events', { maxWaitingCopies: 2 }, 2],
    ['by the bytes of payloads', { maxWaitingBytes: 1 }, 1],
  ])('is written when too many wait: %s', (_which, settings, mayWait) => {
    const core = new Core(settings);
    const publishes = Array.from({ length: 1 + mayWait + 2 }, () => core.send(1));
    expect(core.windows.waitingCopies).toBe(mayWait);
    expect(core.sink.appended).toBe(3);
    expect(core.sequences.counts).toEqual({ 'copy pending': mayWait, 'wait refused': 2 });
    core.sink.settle(delivered);
    core.sink.settle(refused);
    core.sink.settle(delivered);
    core.sink.settle(delivered);
    expect(publishes.map(({ answers }) => answers.length)).toEqual(publishes.map(() => 1));
    expect(core.send(1).answers).toEqual([duplicate]);
    expect(core.windows.accounts().map(({ came, went, held }) => came - went - held)).toEqual([0]);
  });
});

describe('an event', () => {
  it('is not remembered when Kafka refused it: sent again, it is written again', () => {
    const core = new Core();
    core.send(1);
    core.sink.settle(refused);
    core.sink.settle(delivered);
    core.send(1);
    expect(core.sink.sequences).toEqual([1]);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 1, 'late gap': 1 });
  });

  it('of a batch is remembered when it is on Kafka, also when others of the batch are not', () => {
    const core = new Core();
    core.send([1, 2, 3]);
    core.sink.settle(delivered);
    core.sink.settle(refused);
    core.sink.settle(delivered);
    core.sink.settle(delivered);
    core.send([1, 2, 3]);
    expect(core.sink.sequences).toEqual([2]);
  });

  it('that is twice in one batch is written once', () => {
    const core = new Core();
    const batch = core.send([2, 1, 2, 2]);
    expect(core.sink.sequences).toEqual([2, 1]);
    core.sink.settle(delivered);
    core.sink.settle(delivered);
    expect(batch.answers).toEqual([delivered]);
    expect(core.sequences.counts).toEqual({ 'copy same_publish': 2, 'late unknown': 1 });
  });

  it('that was rejected before it was appended leaves nothing behind', () => {
    const core = new Core();
    const batch = (items: object[]) =>
      core.receive(
        new TestPublish({
          topic: 'v1/vehicles/veh-7/telemetry/batch',
          payload: protobufBytes('VehicleTelemetryBatch', { items }),
        }),
      );
    batch([
      { ...report, sequence: 1 },
      { ...report, sequence: 2, batteryLevel: 7 },
    ]);
    core.sink.settle(delivered);
    batch([
      { ...report, sequence: 1 },
      { ...report, sequence: 2 },
    ]);
    expect(core.sink.sequences).toEqual([1, 2]);
    expect(core.account.counts).toEqual({ received: 2, lettered: 1 });
  });

  it('without boot id and sequence passes by', () => {
    const core = new Core();
    for (let i = 0; i < 2; i++) {
      core.receive(new TestPublish({ topic: 'v1/vehicles/veh-7/commands/c-1/ack', payload: Buffer.from('done') }));
      core.sink.settle(delivered);
    }
    expect(core.account.counts).toEqual({ received: 2, delivered: 2 });
    expect(core.windows.devices).toBe(0);
  });
});
