import { Connection } from '@platformatic/kafka';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlChannel } from '../../../gateway/kafka/control-channel.ts';
import { errorName } from '../../../gateway/kafka/error-classes.ts';
import { Lane } from '../../../gateway/kafka/lane.ts';
import { type ProduceAnswer, produceKey, produceRequest } from '../../../gateway/kafka/produce-protocol.ts';
import { ProducerIds } from '../../../gateway/kafka/producer-id.ts';
import { Reachability } from '../../../gateway/kafka/reachability.ts';
import { AccessWatch } from '../../../gateway/kafka/security/access-watch.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import type { ProducerIdentity, SealedBatch } from '../../../gateway/record-batch/sealed-batch.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { sharedServers } from '../../support/servers.ts';
import { createTopic } from '../../support/topics.ts';
import { quickSettings, RecordingObserver, textEncoder } from './recording.ts';

const lastSequence = 2 ** 31 - 1;
const noOne = () => undefined;
const none = { settleRecord: noOne };

let connection: Connection;
let topic: string;
let identity: ProducerIdentity;

beforeEach(async () => {
  const { bootstrap } = sharedServers();
  topic = await createTopic(bootstrap, { partitions: 1 });
  const settings = { ...quickSettings, bootstrapBrokers: bootstrap };
  const access = new AccessWatch(noOne);
  const control = new ControlChannel(settings, new Reachability(), access);
  identity = await new Promise((resolve) => {
    const { observer } = new RecordingObserver();
    new ProducerIds(control, settings, { observer, access }, resolve).request();
  });
  control.close();
  connection = new Connection('test');
  const [host = '', port] = bootstrap[0]?.split(':') ?? [];
  await connection.connect(host, Number(port));
});

afterEach(() => connection.close());

const newLane = (epoch = 0) =>
  new Lane(topic, 0, { producerId: identity.producerId, epoch }, new BufferPool(64 * 1024, 0), 1000);

/** Seals these values into the lane's next batch and takes it for an attempt. */
function nextBatch(lane: Lane, ...values: string[]): SealedBatch {
  for (const value of values) lane.append(Buffer.from('k'), 1, Date.now(), textEncoder, value, none, noOne);
  return lane.send(noOne);
}

/** Name of the error that the broker answers with. */
async function produce(lane: Lane, batch: SealedBatch): Promise<string> {
  const { version, body, parse } = produceRequest([{ lane, batch }], 5000, 9);
  const { partitions } = await new Promise<ProduceAnswer>((resolve, reject) => {
    connection.send<ProduceAnswer>(
      produceKey,
      version,
      () => body,
      parse,
      true,
      true,
      (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
    );
  });
  return errorName(partitions[0]?.errorCode ?? -1);
}

const stored = async () => (await readTopic(sharedServers().bootstrap, topic)).map(({ value }) => String(value)).sort();

describe('a real broker', () => {
  test('recognises a repeat, and takes the next epoch of a lane from sequence number zero on', async () => {
    const lane = newLane();
    const first = nextBatch(lane, 'm0', 'm1');
    expect(await produce(lane, first)).toBe('NONE');
    expect(await produce(lane, first)).toBe('NONE');
    lane.delivered();
    lane.startEpoch(true);
    const second = nextBatch(lane, 'm2');
    expect(await produce(lane, second)).toBe('NONE');
    expect(await produce(lane, second)).toBe('NONE');
    // The given-up attempt of an older epoch that arrives late.
    expect(await produce(lane, nextBatch(newLane(), 'late'))).toBe('INVALID_PRODUCER_EPOCH');
    expect(await stored()).toEqual(['m0', 'm1', 'm2']);
  });

  test('refuses a gap, also at the beginning of an epoch', async () => {
    const lane = newLane();
    expect(await produce(lane, nextBatch(lane, 'm0'))).toBe('NONE');
    lane.delivered();
    nextBatch(lane, 'never sent');
    lane.delivered();
    expect(await produce(lane, nextBatch(lane, 'm1'))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    const next = newLane(1);
    nextBatch(next, 'never sent');
    next.delivered();
    expect(await produce(next, nextBatch(next, 'm1'))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    lane.startEpoch(true);
    expect(await produce(lane, lane.send(noOne))).toBe('NONE');
    expect(await stored()).toEqual(['m0', 'm1']);
  });

  test('counts on over the end of the sequence numbers as a lane does', async () => {
    const lane = newLane();
    const before = nextBatch(lane, 'm0');
    before.stamp(identity, lastSequence - 2);
    expect(await produce(lane, before)).toBe('NONE');
    lane.delivered();
    const across = nextBatch(lane, 'm1', 'm2', 'm3');
    across.stamp(identity, lastSequence - 1);
    expect(await produce(lane, across)).toBe('NONE');
    expect(await produce(lane, across)).toBe('NONE');
    lane.delivered();
    const after = nextBatch(lane, 'm4');
    after.stamp(identity, 1);
    expect(await produce(lane, after)).toBe('NONE');
    expect(await produce(lane, across)).toBe('NONE');
    expect(await stored()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
  });

  test('takes the last epoch that there is', async () => {
    const lane = newLane(0x7fff);
    expect(await produce(lane, nextBatch(lane, 'm0'))).toBe('NONE');
    expect(await stored()).toEqual(['m0']);
  });
});
