import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedServers } from '../support/servers.ts';
import { createTopic } from '../support/topics.ts';

const main = join(import.meta.dirname, '../../topics/main.ts');
const created = `topics-${randomUUID()}`;
const compacted = `topics-${randomUUID()}`;
const grown = `topics-${randomUUID()}`;
let file: string;
let folder: string;

const fileOf = (retention: string, partitions: number): string => `
defaults: { partitions: 2, replication: 1, minInSyncReplicas: 1, compression: producer, maxMessage: 2 MiB }
topics:
  ${created}: { cleanup: delete, retention: ${retention}, timestampsBefore: unlimited, timestampsAfter: 2 h, owner: me, purpose: new }
  ${compacted}: { cleanup: compact, retention: unlimited, owner: me, purpose: compacted }
  ${grown}: { cleanup: delete, retention: 1 h, partitions: ${partitions}, uncleanLeaderElection: false, owner: me, purpose: grows }
`;

/** Runs the command as people do, against the shared broker. */
function topics(...args: readonly string[]): Promise<{ code: number; out: string; err: string; figures: unknown }> {
  const [action = '', ...options] = args;
  const all = [main, action, '--file', file, '--kafka', sharedServers().bootstrap.join(','), ...options];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { timeout: 60_000 }, (error, out, err) => {
      const code = error === null ? 0 : Number(error.code);
      const last = out.trim().split('\n').at(-1) ?? '';
      resolve({ code, out, err, figures: last.startsWith('{') ? (JSON.parse(last) as unknown) : undefined });
    });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'topics-'));
  file = join(folder, 'topics.yaml');
  await writeFile(file, fileOf('7 d', 2));
  const { bootstrap } = sharedServers();
  const config = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' };
  await createTopic(bootstrap, { name: compacted, partitions: 2, config });
  await createTopic(bootstrap, { name: grown, partitions: 2 });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  const admin = new Admin({ clientId: 'test-topics', bootstrapBrokers: sharedServers().bootstrap });
  try {
    await admin.deleteTopics({ topics: [created, compacted, grown] });
  } finally {
    await admin.close();
  }
});

describe('npm run topics on a real Kafka', () => {
  it('plans, applies, and finds nothing to do the second time', async () => {
    const refused = await topics('plan');
    expect(refused.code).toBe(3);
    expect(refused.out).toContain(`+ ${created}`);
    expect(refused.out).toContain('  ! retention.ms 7 d → 1 h');
    expect(refused.out).toContain('segment.bytes = 1048576');
    expect(await topics('apply')).toMatchObject({ code: 3, figures: { applied: 0, refused: 1 } });

    const applied = await topics('apply', '--allow-destructive');
    expect(applied).toMatchObject({ code: 0, err: '', figures: { create: 1, refused: 0, left: 0 } });
    expect(await topics('plan')).toMatchObject({ code: 0, figures: { create: 0, change: 0 } });
    expect(await topics('apply')).toMatchObject({ code: 0, figures: { applied: 0, left: 0 } });
  });

  it('adds partitions, and changes settings up and down, only with permission', async () => {
    await writeFile(file, fileOf('1 d', 4));
    const neither = await topics('apply', '--allow-destructive');
    expect(neither).toMatchObject({ code: 3, figures: { change: 2, refused: 1, applied: 0 } });
    expect(neither.out).toContain('  ! partitions 2 → 4');
    const both = await topics('apply', '--allow-destructive', '--allow-more-partitions');
    expect(both).toMatchObject({ code: 0, figures: { applied: 2, left: 0 } });
    await writeFile(file, fileOf('1 d', 3));
    const fewer = await topics('plan', '--allow-destructive', '--allow-more-partitions');
    expect(fewer).toMatchObject({ code: 3, figures: { refused: 1 } });
    expect(fewer.out).toContain('Kafka cannot take partitions away');
  });

  it('refuses replicas that the cluster has no brokers for', async () => {
    await writeFile(file, fileOf('1 d', 4).replace(`${created}: {`, `${created}-more: { replication: 3,`));
    const { code, out } = await topics('plan');
    expect(code).toBe(3);
    expect(out).toContain('3 replicas need as many brokers');
  });

  it('says which brokers did not answer, and ends with 1', async () => {
    const { code, err } = await topics('plan', '--kafka', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toContain('127.0.0.1:1');
  });
});
