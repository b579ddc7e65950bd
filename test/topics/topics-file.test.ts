import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { misfits } from '../../topics/fit.ts';
import { readPromises } from '../../topics/promises.ts';
import { describeProblem, readTopics } from '../../topics/topics-file.ts';
import type { WantedTopic } from '../../topics/wanted.ts';

const valid = `
defaults: { partitions: 3, replication: 3, minInSyncReplicas: 2, cleanup: delete, compression: producer, maxMessage: 1 MiB }
classes:
  raw: { retention: 7 d }
topics:
  veh.events.raw:
    class: raw
    owner: me
    purpose: telemetry
    partitions: 6
  alerts:
    retention: unlimited
    cleanup: compact,delete
    owner: me
    purpose: alerts
`;

const topicsOf = (text: string): readonly WantedTopic[] => {
  const result = readTopics(text);
  if (!result.ok) throw new Error(result.problems.map((problem) => describeProblem('file', problem)).join('\n'));
  return result.topics;
};
const problemsOf = (text: string): string[] => {
  const result = readTopics(text);
  return result.ok ? [] : result.problems.map((problem) => describeProblem('f', problem));
};

describe('a file of topics', () => {
  it('lets a topic override its class, and the class the defaults', () => {
    const [raw, alerts] = topicsOf(valid);
    expect(raw).toMatchObject({ name: 'veh.events.raw', partitions: 6, replication: 3, owner: 'me' });
    expect(raw?.settings.get('retention.ms')).toBe('604800000');
    expect(raw?.settings.get('max.message.bytes')).toBe('1048576');
    expect(alerts?.settings.get('retention.ms')).toBe('-1');
    expect(alerts?.settings.get('cleanup.policy')).toBe('compact,delete');
    expect(alerts?.settings.has('segment.ms')).toBe(false);
  });

  it('tells every mistake with its line and column, in their order', () => {
    const text = valid
      .replace('7 d', '7 days')
      .replace('partitions: 6', 'partition: 6')
      .replace('    owner: me\n    purpose: al', '    purpose: al');
    expect(problemsOf(text)).toEqual([
      'f:4:21: classes.raw.retention: "7 days" is not allowed; allowed: a time like 7 d, 24 h, 30 min, 10 s, 500 ms, or unlimited',
      'f:10:5: topics.veh.events.raw.partition: unknown; did you mean partitions?',
      'f:11:3: topics.alerts: owner is missing',
    ]);
  });

  it.each([
    [
      'more in-sync replicas than replicas',
      ['replication: 3', 'replication: 1'],
      'no record could ever be acknowledged',
    ],
    ['an unknown class', ['class: raw', 'class: rare'], 'f:7:12: topics.veh.events.raw.class: there is no class rare'],
    ['a setting that is nowhere', ['compression: producer, ', ''], 'compression missing'],
    ['names that Kafka takes for the same', ['  alerts:', '  veh_events.raw:'], 'collides with veh.events.raw'],
    ['a name that is none', ['  alerts:', '  "a b":'], 'not a topic name'],
    ['a text that is no YAML', ['class: raw', 'class: [raw'], 'f:'],
    ['a topic twice', ['  alerts:', '  veh.events.raw:'], 'f:11:3: Map keys must be unique'],
    ['a batch size beyond 32 bits', ['1 MiB', '4096 MiB'], 'more than Kafka can be told'],
    ['a number as text', ['partitions: 6', 'partitions: "6"'], 'f:10:17: topics.veh.events.raw.partitions: "6"'],
  ])('refuses %s', (_what, [before, after], message) => {
    expect(problemsOf(valid.replace(before as string, after as string)).join('\n')).toContain(message);
  });

  it.each(['', '[]', 'topics: 7', 'topics: { a: }', 'defaults: 1\ntopics: {}'])('refuses %j', (text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });
});

describe('schemas/topics.yaml', () => {
  const topics = topicsOf(readFileSync(join(import.meta.dirname, '../../schemas/topics.yaml'), 'utf8'));
  const result = readPromises(undefined);
  if (!result.ok) throw new Error('the default settings are not usable');
  const { promises } = result;

  it('keeps what a gateway with default settings promises, with a spool, too', () => {
    expect(misfits(topics, { ...promises, spoolMaxAgeSeconds: 86_400 })).toEqual([]);
  });

  it('holds every topic that the default routes write to, and alerts and commands', () => {
    expect(topics.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...promises.topics, 'alerts', 'veh.commands', 'veh.commands.status']),
    );
  });

  it.each([
    ['veh.events.raw', 1, 7],
    ['veh.events.raw.dlq', 30, 30],
    ['alerts', 30, 30],
    ['veh.commands', 90, 90],
    ['veh.commands.status', 90, 90],
  ])('keeps %s from %i to %i days', (name, least, most) => {
    const days = Number(topics.find((topic) => topic.name === name)?.settings.get('retention.ms')) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(least);
    expect(days).toBeLessThanOrEqual(most);
  });
});

describe('what the gateway promises', () => {
  const promises = {
    topics: ['veh.events.raw'],
    maxBatchBytes: 524_288,
    maxClockAheadSeconds: 300,
    maxClockBehindSeconds: 3600,
    spoolMaxAgeSeconds: 60,
  };
  const fitOf = (more: string) =>
    misfits(topicsOf(valid.replace('class: raw\n', `class: raw\n    ${more}\n`)), promises);

  it.each([
    ['timestampsBefore: 3659 s', 'message.timestamp.before.max.ms is 3659000, less than 3660000'],
    ['timestampsAfter: 299 s', 'message.timestamp.after.max.ms is 299000, less than 300000'],
    ['maxMessage: 256 KiB', 'max.message.bytes is 262144, less than 524288'],
    ['minInSyncReplicas: 1', 'min.insync.replicas is 1, less than 2'],
    ['timestampType: LogAppendTime', 'the event time is lost'],
    ['uncleanLeaderElection: true', 'an unclean leader may lack'],
  ])('is not kept with %s', (more, message) => {
    const found = fitOf(more);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  it('is kept by limits that are just wide enough', () => {
    expect(fitOf('timestampsBefore: 3660 s\n    timestampsAfter: 300 s')).toEqual([]);
  });

  it('is not kept by a topic that is not in the file', () => {
    expect(misfits([], promises)).toEqual(['veh.events.raw: the gateway writes to it, but the file has no such topic']);
  });
});
