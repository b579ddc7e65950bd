import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../gateway/config/load.ts';
import { topicDemandsOf } from '../../gateway/topic-demands-of.ts';
import { readDemands } from '../../topics/demands.ts';
import { misfits } from '../../topics/fit.ts';
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
  const demandsWith = (settings: object) => {
    const result = loadConfig({ settings, env: {} });
    if (!result.ok) throw new Error('the settings are not usable');
    return topicDemandsOf(result.config);
  };

  it('keeps what a gateway with default settings promises, with a spool, too', () => {
    expect(misfits(topics, demandsWith({}))).toEqual([]);
    expect(misfits(topics, demandsWith({ spool: { mode: 'outage', directory: '/tmp/spool' } }))).toEqual([]);
  });

  it('holds every topic that the default routes write to, and alerts and commands', () => {
    expect(topics.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...demandsWith({}).keys(), 'alerts', 'veh.commands', 'veh.commands.status']),
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
  const eventsTopic = { maxBatchBytes: 524_288, timestamps: { maxAheadMs: 300_000, maxBehindMs: 3_660_000 } };
  const demands = new Map([['veh.events.raw', eventsTopic]]);
  const fitOf = (more: string) =>
    misfits(topicsOf(valid.replace('class: raw\n', `class: raw\n    ${more}\n`)), demands);

  it('is not kept with limits that are too narrow', () => {
    expect(fitOf('timestampsBefore: 3659 s')).toEqual([
      expect.stringMatching(/^veh\.events\.raw: message\.timestamp\.before\.max\.ms is 3659000, less than 3660000/),
    ]);
  });

  it('is kept by limits that are just wide enough', () => {
    expect(fitOf('timestampsBefore: 3660 s\n    timestampsAfter: 300 s')).toEqual([]);
  });

  it('is not kept by a topic that is not in the file', () => {
    expect(misfits([], demands)).toEqual(['veh.events.raw: the gateway writes to it, but the file has no such topic']);
  });
});

describe('the demands of a gateway whose settings are not usable', () => {
  it('are told by the setting that is wrong', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'topics-')), 'gateway.yaml');
    writeFileSync(file, 'kafka: { maxBatchBytes: many }\n');
    expect(readDemands(file)).toEqual({ ok: false, problems: [expect.stringContaining('kafka.maxBatchBytes')] });
    rmSync(dirname(file), { recursive: true });
  });
});
