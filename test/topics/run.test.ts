import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTopicsOptions } from '../../topics/options.ts';
import { runTopics } from '../../topics/run.ts';
import { ModelledCluster, modelledTopic } from './modelled-cluster.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'topics-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = `
defaults: { partitions: 3, replication: 3, minInSyncReplicas: 2, cleanup: delete, compression: producer, maxMessage: 1 MiB }
topics:
  veh.events.raw: { retention: 7 d, owner: me, purpose: telemetry }
  veh.events.raw.dlq: { retention: 30 d, owner: me, purpose: dead letters }
  veh.commands.status: { retention: 90 d, owner: me, purpose: answers }
`;
const asWanted = {
  'min.insync.replicas': '2',
  'retention.ms': '604800000',
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '1048576',
};

async function run(cluster: ModelledCluster, args: readonly string[], content = text) {
  const file = join(folder, 'topics.yaml');
  writeFileSync(file, content);
  const lines: string[] = [];
  const errors: string[] = [];
  const exit = (code: number): never => {
    throw new Error(`exit ${code}`);
  };
  const options = parseTopicsOptions([...args, '--file', file], { exit, writeErr: () => undefined });
  if (options.action === 'acls') throw new Error('another command');
  const print = { out: (line: string) => lines.push(line), err: (line: string) => errors.push(line) };
  const code = await runTopics(options, cluster, print);
  return { code, lines, errors, figures: () => JSON.parse(lines.at(-1) ?? '') as unknown };
}

describe('topics plan', () => {
  it('shows what would be created, changes nothing and ends with 3', async () => {
    const cluster = new ModelledCluster(3);
    const { code, lines, figures } = await run(cluster, ['plan']);
    expect(code).toBe(3);
    expect(lines[0]).toBe('+ veh.events.raw');
    expect(lines).toContain('  + retention.ms                    7 d');
    expect(lines.at(-2)).toBe('3 topics: 3 to create, 0 to change, 0 of these refused');
    expect(figures()).toEqual({
      action: 'plan',
      topics: 3,
      create: 3,
      change: 0,
      refused: 0,
      warnings: 0,
      applied: 0,
      left: 3,
    });
    expect(cluster.requests).toEqual([]);
  });

  it('shows old and new, and why a change is refused', async () => {
    const cluster = new ModelledCluster(3);
    await run(cluster, ['apply']);
    const own = { ...asWanted, 'retention.ms': '-1', 'flush.ms': '1000' };
    cluster.topics.set('veh.events.raw', modelledTopic(2, 3, own));
    cluster.topics.set('somebody.elses', modelledTopic(1, 1));
    const { code, lines } = await run(cluster, ['plan']);
    expect(code).toBe(3);
    expect(lines.slice(0, 9)).toEqual([
      '! veh.events.raw',
      '  ! partitions 2 → 3',
      expect.stringMatching(/^ {6}moves keys \(wants --allow-more-partitions\): most keys move/),
      '  ! retention.ms unlimited → 7 d',
      expect.stringMatching(/^ {6}destructive \(wants --allow-destructive\): records that are older/),
      '',
      'note: veh.events.raw has settings that the file does not hold: flush.ms = 1000',
      'note: topics in the cluster that are not in the file, left alone: 1',
      '3 topics: 0 to create, 2 to change, 2 of these refused',
    ]);
  });

  it('says where the topics do not keep what the gateway promises', async () => {
    const { lines } = await run(new ModelledCluster(3), ['plan'], text.replace('1 MiB', '64 KiB'));
    expect(lines.filter((line) => line.startsWith('warning: '))).toHaveLength(3);
  });

  it('ends with 2 and the lines of the mistakes for an unusable file', async () => {
    const { code, errors, lines } = await run(new ModelledCluster(3), ['plan'], text.replace('7 d', '7d'));
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringMatching(/topics\.yaml:4:32: topics\.veh\.events\.raw\.retention: "7d"/)]);
    expect(lines).toEqual([]);
  });

  it('ends with 1 when the cluster fails', async () => {
    const cluster = new ModelledCluster(3);
    cluster.read = () => Promise.reject(new Error('no broker answers'));
    const { code, errors } = await run(cluster, ['plan', '--kafka', 'one:1,two:2']);
    expect(code).toBe(1);
    expect(errors).toEqual(['topics: one:1, two:2: no broker answers']);
  });
});

describe('topics apply', () => {
  it('makes the plan with progress, and finds nothing to do the second time', async () => {
    const cluster = new ModelledCluster(3);
    const first = await run(cluster, ['apply']);
    expect(first.code).toBe(0);
    expect(first.lines).toContain('[2/3] + create veh.events.raw.dlq');
    expect(first.figures()).toMatchObject({ action: 'apply', create: 3, applied: 3, left: 0 });
    const requests = cluster.requests.length;
    const second = await run(cluster, ['apply']);
    expect(second.code).toBe(0);
    expect(second.lines.at(-2)).toBe('3 topics, no difference');
    expect(cluster.requests).toHaveLength(requests);
  });

  it('changes nothing and ends with 3 when something is refused', async () => {
    const there = new Map([['veh.events.raw', modelledTopic(3, 3, { ...asWanted, 'retention.ms': '-1' })]]);
    const cluster = new ModelledCluster(3, there);
    const refused = await run(cluster, ['apply']);
    expect(refused.code).toBe(3);
    expect(refused.lines).toContain('nothing was changed');
    expect(cluster.requests).toEqual([]);
    const allowed = await run(cluster, ['apply', '--allow-destructive']);
    expect(allowed.code).toBe(0);
    expect(cluster.requests).toEqual(['create veh.events.raw.dlq', 'create veh.commands.status', 'set veh.events.raw']);
    expect(allowed.lines).toContain('[3/3] ~ veh.events.raw: retention.ms unlimited → 7 d');
  });
});

describe('the arguments', () => {
  it.each([[[]], [['destroy']], [['plan', '--yes']], [['plan', 'more']], [['plan', '--kafka', 'nowhere']]])(
    'refuses %j with exit code 2',
    (args) => {
      const exit = (code: number): never => {
        throw new Error(`exit ${code}`);
      };
      const silent = { exit, writeOut: () => undefined, writeErr: () => undefined };
      expect(() => parseTopicsOptions(args, silent)).toThrow('exit 2');
    },
  );
});
