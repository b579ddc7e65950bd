import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChanges } from '../../topics/apply.ts';
import { isRefused, planChanges } from '../../topics/plan.ts';
import type { ActualCluster, ActualTopic, WantedTopic } from '../../topics/wanted.ts';
import { brokerDefaults, ModelledCluster, modelledTopic } from './modelled-cluster.ts';

const nothing = { destructive: false, morePartitions: false };
const everything = { destructive: true, morePartitions: true };

const values: Readonly<Record<string, readonly string[]>> = {
  'min.insync.replicas': ['1', '2', '3'],
  'retention.ms': ['-1', '86400000', '604800000', '7776000000'],
  'cleanup.policy': ['delete', 'compact', 'compact,delete', 'delete,compact'],
  'compression.type': ['producer', 'lz4'],
  'max.message.bytes': ['1048588', '524288', '2097152'],
  'message.timestamp.type': ['CreateTime', 'LogAppendTime'],
  'message.timestamp.before.max.ms': ['9223372036854775807', '86400000'],
  'unclean.leader.election.enable': ['true', 'false'],
};
const settings: fc.Arbitrary<Record<string, string>> = fc
  .tuple(...Object.entries(values).map(([name, some]) => fc.constantFrom([], ...some.map((value) => [[name, value]]))))
  .map((chosen) => Object.fromEntries(chosen.flat() as [string, string][]));
const names = ['alerts', 'veh.commands', 'veh.events.raw', 'veh.events.raw.dlq'];
const wantedTopics: fc.Arbitrary<WantedTopic[]> = fc
  .uniqueArray(fc.constantFrom(...names), { minLength: 1 })
  .chain((some) =>
    fc.tuple(
      ...some.map((name) =>
        fc.record({
          name: fc.constant(name),
          partitions: fc.integer({ min: 1, max: 4 }),
          replication: fc.integer({ min: 1, max: 4 }),
          settings: settings.map((record) => new Map(Object.entries(record))),
          owner: fc.constant('somebody'),
          purpose: fc.constant('something'),
        }),
      ),
    ),
  );
const actualTopics: fc.Arbitrary<Map<string, ActualTopic>> = fc
  .dictionary(
    fc.constantFrom(...names),
    fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), settings)
      .map(([partitions, replication, own]) => modelledTopic(partitions, replication, own)),
  )
  .map((topics) => new Map(Object.entries(topics)));

const wanted = (own: Readonly<Record<string, string>>, more: Partial<WantedTopic> = {}): WantedTopic => ({
  name: 'alerts',
  partitions: 3,
  replication: 3,
  settings: new Map(Object.entries(own)),
  owner: 'somebody',
  purpose: 'something',
  ...more,
});
const cluster = (topic?: ActualTopic): ActualCluster => ({
  brokers: 3,
  topics: new Map(topic === undefined ? [] : [['alerts', topic]]),
  others: [],
});
/** Kafka's numbers as they compare: unlimited is the largest. */
const limit = (value: string): bigint => (value === '-1' ? 2n ** 63n : BigInt(value));

describe('a plan', () => {
  it('is empty after everything in it that Kafka can do was done', async () => {
    await fc.assert(
      fc.asyncProperty(wantedTopics, actualTopics, async (topics, actual) => {
        const model = new ModelledCluster(3, actual);
        const changes = planChanges(topics, await model.read(names));
        fc.pre(!changes.some(({ risk }) => risk === 'impossible'));
        const applied = await applyChanges(model, topics, changes, everything, () => undefined);
        expect(applied).toEqual({ changes: changes.length, left: [] });
        expect(planChanges(topics, await model.read(names))).toEqual([]);
      }),
    );
  });

  it('takes nothing away and moves no key unless that is allowed', async () => {
    await fc.assert(
      fc.asyncProperty(wantedTopics, actualTopics, async (topics, actual) => {
        const model = new ModelledCluster(3, actual);
        const changes = planChanges(topics, await model.read(names)).filter((change) => !isRefused(change, nothing));
        await applyChanges(model, topics, changes, nothing, () => undefined, 0);
        for (const [name, before] of actual) {
          const after = model.topics.get(name);
          expect(after?.partitions).toBe(before.partitions);
          expect(after?.replication).toBe(before.replication);
          for (const limiting of ['retention.ms', 'max.message.bytes', 'min.insync.replicas']) {
            const [was, is] = [before, after].map((topic) => limit(topic?.settings.get(limiting)?.value ?? '0'));
            expect(is).toBeGreaterThanOrEqual(was as bigint);
          }
          const policies = [before, after].map(
            (topic) => topic?.settings.get('cleanup.policy')?.value.split(',') ?? [],
          );
          expect(policies[0]).toEqual(expect.arrayContaining(policies[1] as string[]));
        }
      }),
    );
  });

  it('makes none of its changes when one is refused', async () => {
    await fc.assert(
      fc.asyncProperty(wantedTopics, actualTopics, async (topics, actual) => {
        const model = new ModelledCluster(3, actual);
        const changes = planChanges(topics, await model.read(names));
        fc.pre(changes.some((change) => isRefused(change, nothing)));
        const applied = await applyChanges(model, topics, changes, nothing, () => undefined);
        expect(applied).toEqual({ changes: 0, left: changes });
        expect(model.requests).toEqual([]);
      }),
    );
  });

  it.each([
    ['retention.ms', '-1', '86400000', 'destructive'],
    ['retention.ms', '86400000', '-1', 'none'],
    ['retention.ms', '604800000', '604799999', 'destructive'],
    ['max.message.bytes', '1048588', '1048587', 'destructive'],
    ['max.message.bytes', '1048588', '2097152', 'none'],
    ['cleanup.policy', 'compact', 'compact,delete', 'destructive'],
    ['cleanup.policy', 'delete', 'compact,delete', 'destructive'],
    ['cleanup.policy', 'delete,compact', 'delete', 'none'],
    ['min.insync.replicas', '2', '1', 'destructive'],
    ['min.insync.replicas', '1', '2', 'none'],
    ['min.insync.replicas', '1', '4', 'impossible'],
    ['message.timestamp.before.max.ms', '9223372036854775807', '86400000', 'destructive'],
    ['message.timestamp.after.max.ms', '3600000', '9223372036854775807', 'none'],
    ['message.timestamp.type', 'CreateTime', 'LogAppendTime', 'destructive'],
    ['unclean.leader.election.enable', 'false', 'true', 'destructive'],
    ['compression.type', 'producer', 'lz4', 'none'],
  ])('judges %s from %s to %s as %s', (name, from, to, risk) => {
    const [change] = planChanges([wanted({ [name]: to })], cluster(modelledTopic(3, 3, { [name]: from })));
    expect(change).toMatchObject({ kind: 'setting', from, to, risk });
  });

  it('says that Kafka cannot take partitions away, whatever is allowed', () => {
    const [change] = planChanges([wanted({}, { partitions: 2 })], cluster(modelledTopic(3, 3)));
    expect(change).toMatchObject({ kind: 'partitions', risk: 'impossible' });
    expect(change?.why).toContain('cannot take partitions away');
    expect(change && isRefused(change, everything)).toBe(true);
  });

  it('wants a permission of its own for more partitions', () => {
    const [change] = planChanges([wanted({}, { partitions: 6 })], cluster(modelledTopic(3, 3)));
    expect(change).toMatchObject({ kind: 'partitions', from: 3, to: 6, risk: 'moves_keys' });
    expect(change && isRefused(change, { destructive: true, morePartitions: false })).toBe(true);
    expect(change && isRefused(change, { destructive: false, morePartitions: true })).toBe(false);
  });

  it('explains how replicas are changed instead of changing them', () => {
    const [change] = planChanges([wanted({})], cluster({ ...modelledTopic(3, 1), mostReplicas: 3 }));
    expect(change).toMatchObject({ kind: 'replication', from: '1 to 3', to: 3, risk: 'impossible' });
    expect(change?.why).toContain('reassign');
  });

  it('refuses to create a topic with more replicas than there are brokers', () => {
    const [change] = planChanges([wanted({}, { replication: 4 })], cluster());
    expect(change).toMatchObject({ kind: 'create', risk: 'impossible' });
  });

  it('pins what is as wanted but comes from the brokers', () => {
    const own = { 'retention.ms': brokerDefaults['retention.ms'] as string };
    const [change] = planChanges([wanted(own)], cluster(modelledTopic(3, 3)));
    expect(change).toMatchObject({ kind: 'setting', pinned: true, risk: 'none' });
    expect(planChanges([wanted(own)], cluster(modelledTopic(3, 3, own)))).toEqual([]);
  });

  it('takes policies in another order for the same', () => {
    const there = modelledTopic(3, 3, { 'cleanup.policy': 'delete,compact' });
    expect(planChanges([wanted({ 'cleanup.policy': 'compact,delete' })], cluster(there))).toEqual([]);
  });
});
