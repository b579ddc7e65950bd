import { describe, expect, it } from 'vitest';
import { DeadLetter } from '../../../gateway/core/dead-letter.ts';
import type { Identity } from '../../../gateway/core/identity.ts';
import { Ingest, type IngestObserver } from '../../../gateway/core/ingest.ts';
import { LetterCap } from '../../../gateway/core/letter-cap.ts';
import {
  delivered,
  type Outcome,
  type Rejection,
  rejected,
  spooled,
  unanswered,
} from '../../../gateway/core/outcome.ts';
import type { Pipeline } from '../../../gateway/core/pipeline.ts';
import { Publish, type Settleable } from '../../../gateway/core/publish.ts';
import { type Pressure, type RecordEncoder, type RecordSink, undated } from '../../../gateway/core/record-sink.ts';

const tooHot: Rejection = { reason: 'invalid_field', detail: 'too hot' };

class TestPublish extends Publish {
  readonly identity: Identity = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
  readonly topic = 'v1/vehicles/veh-1/telemetry';
  readonly payload = new Uint8Array([1, 2, 3]);
  readonly qos: 0 | 1 | 2;
  readonly receivedAtMs = 1000;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  readonly answers: Outcome[] = [];

  constructor(qos: 0 | 1 | 2 = 1) {
    super();
    this.qos = qos;
  }

  answer(outcome: Outcome): void {
    this.answers.push(outcome);
  }
}

/** Keeps what is appended until the test says how it ends. */
class HeldSink implements RecordSink {
  readonly held: { topic: string; key: string; timestampMs: number; event: unknown; settleable: Settleable }[] = [];
  refuses: (event: unknown) => boolean = () => false;

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    _encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    if (this.refuses(event)) return false;
    this.held.push({ topic, key, timestampMs, event, settleable });
    return true;
  }

  settle(outcome: Outcome): void {
    const next = this.held.shift();
    if (next === undefined) throw new Error('nothing is held');
    next.settleable.settleRecord(outcome);
  }
}

/** Counts by name, so that a test can ask whether the account adds up. */
class Account implements IngestObserver {
  readonly counts: Record<string, number> = {};
  received = () => this.#count('received');
  delivered = () => this.#count('delivered');
  spooled = () => this.#count('spooled');
  duplicate = () => this.#count('duplicate');
  shed = () => this.#count('shed');
  unanswered = () => this.#count('unanswered');
  unkept = (_publish: Publish, rejection: Rejection) => this.#count(`unkept ${rejection.reason}`);
  rejected = (_publish: Publish, rejection: Rejection, deadLettered: boolean) =>
    this.#count(`${deadLettered ? 'lettered' : 'unlettered'} ${rejection.reason}`);

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

/** Takes every publish as `records` records, or rejects it. */
const pipelineOf = (records: number, rejection?: Rejection): Pipeline => ({
  run(publish, sink) {
    if (rejection !== undefined) return rejection;
    publish.expect(records);
    for (let i = 0; i < records; i++) sink.append('events', 'veh-1', 0, {} as RecordEncoder<number>, i, publish);
    return undefined;
  },
});

function setUp(pipeline: Pipeline, pressure: Pressure = 0, letterCap?: LetterCap) {
  const sink = new HeldSink();
  const account = new Account();
  const ingest = new Ingest({
    source: '/edge-ingest-gateway',
    pipeline,
    sink,
    deadLetterTopic: 'dead',
    observer: account,
    pressure: () => pressure,
    letterCap,
  });
  return { ingest, sink, counts: account.counts };
}

describe('ingest', () => {
  it('answers delivered only when the last record of a publish is on Kafka', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(3));
    const publish = new TestPublish();
    ingest.receive(publish);
    sink.settle(delivered);
    sink.settle(delivered);
    expect(publish.answers).toEqual([]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([delivered]);
    expect(counts).toEqual({ received: 1, delivered: 1 });
  });

  it('answers, and counts apart, a publish one of whose records is durable in the spool only', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(2));
    const publish = new TestPublish();
    ingest.receive(publish);
    sink.settle(spooled);
    expect(publish.answers).toEqual([]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([spooled]);
    expect(counts).toEqual({ received: 1, spooled: 1 });
  });

  it('answers a rejection when its dead letter is durable in the spool', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot));
    const publish = new TestPublish();
    ingest.receive(publish);
    sink.settle(spooled);
    expect(publish.answers).toEqual([rejected(tooHot)]);
    expect(counts).toEqual({ received: 1, 'lettered invalid_field': 1 });
  });

  it('answers a rejection only when its dead letter is on Kafka', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot));
    const publish = new TestPublish();
    ingest.receive(publish);
    expect(sink.held).toMatchObject([{ topic: 'dead', key: 'veh-1' }]);
    expect(publish.answers).toEqual([]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([rejected(tooHot)]);
    expect(counts).toEqual({ received: 1, 'lettered invalid_field': 1 });
  });

  it('dead-letters a publish one of whose records Kafka refuses, once all of them are settled', () => {
    const { ingest, sink } = setUp(pipelineOf(2));
    const publish = new TestPublish();
    const refusal: Rejection = { reason: 'refused_by_kafka', detail: 'INVALID_RECORD' };
    ingest.receive(publish);
    sink.settle(rejected(refusal));
    expect(sink.held).toHaveLength(1);
    sink.settle(delivered);
    expect(sink.held).toMatchObject([{ topic: 'dead' }]);
    expect(publish.answers).toEqual([]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([rejected(refusal)]);
  });

  it.each([
    [
      'the sink',
      (sink: HeldSink) => (sink.refuses = (event) => event instanceof DeadLetter && event.form !== 'stripped'),
    ],
    ['Kafka', () => {}],
  ])('leaves the payload out of a letter that is too large for %s', (_who, prepare) => {
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot));
    prepare(sink);
    const publish = new TestPublish();
    ingest.receive(publish);
    const form = () => (sink.held[0]?.event as DeadLetter | undefined)?.form;
    while (form() !== 'stripped') sink.settle(rejected({ reason: 'too_large', detail: '' }));
    expect(sink.held).toMatchObject([{ timestampMs: undated }]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([rejected(tooHot)]);
    expect(counts).toEqual({ received: 1, 'lettered invalid_field': 1 });
  });

  it('writes a letter again without its date when Kafka refuses it, as it does when the clock here is ahead', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot));
    const publish = new TestPublish();
    ingest.receive(publish);
    expect(sink.held).toMatchObject([{ event: { form: 'whole' }, timestampMs: publish.receivedAtMs }]);
    sink.settle(rejected({ reason: 'refused_by_kafka', detail: 'INVALID_TIMESTAMP' }));
    expect(publish.answers).toEqual([]);
    expect(sink.held).toMatchObject([{ event: { form: 'undated' }, timestampMs: undated }]);
    sink.settle(delivered);
    expect(publish.answers).toEqual([rejected(tooHot)]);
    expect(counts).toEqual({ received: 1, 'lettered invalid_field': 1 });
  });

  it('answers and counts a publish whose letter nobody takes', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot));
    sink.refuses = () => true;
    const publish = new TestPublish();
    ingest.receive(publish);
    expect(publish.answers).toEqual([rejected(tooHot)]);
    expect(counts).toEqual({ received: 1, 'unlettered invalid_field': 1 });
  });

  it('answers and counts what is beyond the share of letters of its device, without keeping it', () => {
    const cap = new LetterCap({ maxPerDevicePerMinute: 60, burstPerDevice: 1, maxDevices: 10 });
    const { ingest, sink, counts } = setUp(pipelineOf(1, tooHot), 0, cap);
    const [kept, ...beyond] = [new TestPublish(), new TestPublish(), new TestPublish()] as const;
    for (const publish of [kept, ...beyond]) ingest.receive(publish);
    expect(sink.held).toHaveLength(1);
    expect(kept.answers).toEqual([]);
    expect(beyond.map((publish) => publish.answers)).toEqual([[rejected(tooHot)], [rejected(tooHot)]]);
    sink.settle(delivered);
    expect(counts).toEqual({ received: 3, 'lettered invalid_field': 1, 'unkept invalid_field': 2 });
  });

  it('writes a letter of whatever Kafka refuses, however many the device has had', () => {
    const cap = new LetterCap({ maxPerDevicePerMinute: 1, burstPerDevice: 1, maxDevices: 10 });
    cap.take({ kind: 'vehicle', deviceId: 'dev-1' }, 1000);
    const { ingest, sink, counts } = setUp(pipelineOf(1), 0, cap);
    ingest.receive(new TestPublish());
    sink.settle(rejected({ reason: 'refused_by_kafka', detail: '' }));
    sink.settle(delivered);
    expect(counts).toEqual({ received: 1, 'lettered refused_by_kafka': 1 });
  });

  it('leaves unanswered what is left at shutdown, letters included', () => {
    for (const pipeline of [pipelineOf(1), pipelineOf(1, tooHot)]) {
      const { ingest, sink, counts } = setUp(pipeline);
      const publish = new TestPublish();
      ingest.receive(publish);
      sink.settle(unanswered);
      expect(publish.answers).toEqual([unanswered]);
      expect(counts).toEqual({ received: 1, unanswered: 1 });
    }
  });

  it('sheds QoS 0 under pressure, counted, and nothing else', () => {
    const { ingest, sink, counts } = setUp(pipelineOf(1), 1);
    ingest.receive(new TestPublish(0));
    expect(sink.held).toEqual([]);
    ingest.receive(new TestPublish(1));
    ingest.receive(new TestPublish(2));
    expect(sink.held).toHaveLength(2);
    expect(counts).toEqual({ received: 3, shed: 1 });
  });
});
