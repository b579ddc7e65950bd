import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../../deploy/local/kafka.ts';
import {
  describePartitions,
  leaderCounts,
  moveLeaders,
  moveLeadersTo,
  reassign,
  reassignAwayAndBack,
  waitForInSync,
} from '../../../faults/injectors/partitions.ts';
import { recreateTopic } from '../../../faults/injectors/recreate-topic.ts';
import { createTopic } from '../../support/topics.ts';

describe('the partitions of a cluster of three', () => {
  let kafka: LocalKafka;
  let topic: string;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 });
    const config = { 'min.insync.replicas': '2', 'retention.ms': '86400000' };
    topic = await createTopic(kafka.bootstrap, { partitions: 6, replication: 3, config });
    await waitForInSync(kafka.bootstrap, [topic]);
  });
  afterAll(() => kafka.close());

  it('get other leaders, every one of them', async () => {
    const before = await describePartitions(kafka.bootstrap, topic);
    expect(await moveLeaders(kafka.bootstrap, topic)).toBe(6);
    const after = await describePartitions(kafka.bootstrap, topic);
    expect(after.filter(({ leader, partition }) => leader === before[partition]?.leader)).toEqual([]);
  });

  it('are all led by one broker, and counted there', async () => {
    await moveLeadersTo(kafka.bootstrap, topic, 2);
    expect([...(await leaderCounts(kafka.bootstrap, [topic]))]).toEqual([[2, 6]]);
    // Again: nothing has to be elected, which is no error.
    await moveLeadersTo(kafka.bootstrap, topic, 2);
  });

  it('live where they are assigned to, on fewer replicas, too', async () => {
    await reassign(kafka.bootstrap, topic, new Map([[0, [3, 1]]]));
    expect((await describePartitions(kafka.bootstrap, topic))[0]).toMatchObject({ leader: 3, replicas: [3, 1] });
    await reassign(kafka.bootstrap, topic, new Map([[0, [1, 2, 3]]]));
    await waitForInSync(kafka.bootstrap, [topic]);
  });

  it('leave a broker and come back to it', async () => {
    const before = await describePartitions(kafka.bootstrap, topic);
    await reassignAwayAndBack(kafka.bootstrap, topic, 2);
    const after = await describePartitions(kafka.bootstrap, topic);
    expect(after.map(({ replicas }) => replicas)).toEqual(before.map(({ replicas }) => replicas));
    expect(after.filter(({ leader }) => leader === 2)).toEqual([]);
    await waitForInSync(kafka.bootstrap, [topic]);
  });

  it('are created anew with the settings of the deleted topic', async () => {
    let wasGone = false;
    await recreateTopic(kafka.bootstrap, topic, {
      whileGone: async () => {
        wasGone = (await describePartitions(kafka.bootstrap, topic)).length === 0;
      },
    });
    expect(wasGone).toBe(true);
    const states = await describePartitions(kafka.bootstrap, topic);
    expect(states.map(({ replicas }) => replicas.length)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('are named when they lack an in-sync replica or the broker does not answer', async () => {
    const broker = kafka.brokers[2];
    await broker?.kill();
    const [alive, other, dead] = kafka.bootstrap as [string, string, string];
    await expect(waitForInSync([alive, other], [topic], 4, 300)).rejects.toThrow(`${topic}-0 has leader`);
    await expect(waitForInSync([dead], [topic], 3, 300)).rejects.toThrow(`${dead} does not answer`);
    await broker?.start();
    await waitForInSync(kafka.bootstrap, [topic]);
  });
});
