import { describe, expect, it } from 'vitest';
import { judgeDestination } from '../../replay/check-topics.ts';

const dayMs = 86_400_000;
const now = Date.parse('2025-11-21T12:00:00Z');

const topic = (settings: Readonly<Record<string, string>>) => ({
  partitions: 1,
  replication: 1,
  mostReplicas: 1,
  settings: new Map(Object.entries(settings).map(([name, value]) => [name, { value, own: true }])),
});

describe('the topic copied to', () => {
  it('must keep timestamps, and take such old ones', () => {
    const stamped = topic({ 'message.timestamp.type': 'LogAppendTime' });
    expect(() => judgeDestination('u', stamped, now - dayMs, now)).toThrow('message.timestamp.type');
    const young = topic({ 'message.timestamp.before.max.ms': String(dayMs) });
    expect(() => judgeDestination('u', young, now - 2 * dayMs, now)).toThrow('message.timestamp.before.max.ms');
    expect(judgeDestination('u', young, now - dayMs / 2, now).warnings).toEqual([]);
  });

  it('is warned about when it soon deletes what is copied', () => {
    const settings = { 'cleanup.policy': 'delete', 'retention.ms': String(dayMs) };
    expect(judgeDestination('u', topic(settings), now - 2 * dayMs, now).warnings).toHaveLength(1);
    expect(judgeDestination('u', topic({ ...settings, 'retention.ms': '-1' }), 0, now).warnings).toEqual([]);
    expect(judgeDestination('u', topic({ ...settings, 'cleanup.policy': 'compact' }), 0, now).warnings).toEqual([]);
  });

  it('decides how large batches may be, within reason', () => {
    const bytesFor = (value: string) =>
      judgeDestination('u', topic({ 'max.message.bytes': value }), now, now).maxBatchBytes;
    expect([bytesFor('1000'), bytesFor('3000000'), bytesFor('2000000000')]).toEqual([1_048_576, 3_000_000, 33_554_432]);
  });
});
