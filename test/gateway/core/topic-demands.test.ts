import { describe, expect, it } from 'vitest';
import { demandedSettings, type TopicDemands, topicMisfits } from '../../../gateway/core/topic-demands.ts';

const demands: TopicDemands = {
  maxBatchBytes: 524_288,
  timestamps: { maxAheadMs: 300_000, maxBehindMs: 3_660_000 },
};
const sound: Readonly<Record<string, string>> = {
  'min.insync.replicas': '2',
  'max.message.bytes': '524288',
  'message.timestamp.before.max.ms': '3660000',
  'message.timestamp.after.max.ms': '300000',
  'message.timestamp.type': 'CreateTime',
  'unclean.leader.election.enable': 'false',
};
const misfitsWith = (own: Readonly<Record<string, string>>, replication = 3) =>
  topicMisfits({ replication, settings: new Map(Object.entries({ ...sound, ...own })) }, demands);

describe('a topic that the gateway writes to', () => {
  it('fits when its limits are just wide enough', () => {
    expect(misfitsWith({})).toEqual([]);
    expect(Object.keys(sound).sort()).toEqual([...demandedSettings].sort());
  });

  it("fits with Kafka's own limits of timestamps", () => {
    const own = {
      'message.timestamp.before.max.ms': '9223372036854775807',
      'message.timestamp.after.max.ms': '3600000',
    };
    expect(misfitsWith(own)).toEqual([]);
  });

  it.each([
    ['min.insync.replicas', '1', 'unsafe_min_in_sync_replicas', 'less than 2: an acknowledged record may be on one'],
    ['max.message.bytes', '524287', 'batches_larger_than_topic_takes', 'is 524287, less than 524288 (kafka.maxBatch'],
    ['message.timestamp.before.max.ms', '3659999', 'late_events_refused', 'is 3659999, less than 3660000, by which'],
    ['message.timestamp.after.max.ms', '299999', 'early_events_refused', 'is 299999, less than 300000, by which'],
    ['message.timestamp.type', 'LogAppendTime', 'event_time_overwritten', 'the event time is lost'],
    ['unclean.leader.election.enable', 'true', 'unclean_leaders_allowed', 'may lack acknowledged records'],
  ])('does not fit with %s %s', (name, value, code, message) => {
    expect(misfitsWith({ [name]: value })).toEqual([{ code, message: expect.stringContaining(message) }]);
  });

  it('loses an acknowledged record with one disk when it has no second replica, whatever its min.insync.replicas', () => {
    expect(misfitsWith({ 'min.insync.replicas': '1' }, 1)).toEqual([
      { code: 'no_replication', message: expect.stringContaining('the disk of one broker') },
    ]);
  });

  it('is not held against settings that are not known', () => {
    expect(topicMisfits({ replication: 3, settings: new Map() }, demands)).toEqual([]);
  });

  it('is not held against timestamps when it is not known which ones are written', () => {
    const settings = new Map([['message.timestamp.after.max.ms', '1']]);
    expect(topicMisfits({ replication: 3, settings }, { maxBatchBytes: 1 })).toEqual([]);
  });
});
