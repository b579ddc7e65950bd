import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { code } from './fake/partition-log.ts';
import { numbers, scene, topic } from './scene.ts';

const hourMs = 3_600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** The clock of the day jumps by up to an hour, forward and back, whenever it is read, as if time were being set. */
function jump(): void {
  const startedAtMs = Date.now();
  let reads = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => {
    reads += 1;
    return startedAtMs + ((reads % 3) - 1) * hourMs;
  });
}

describe('the producer', () => {
  test('lingers, gives up, pauses, throttles and refreshes by a clock that never jumps', async () => {
    jump();
    const { cluster, producer, append, settled, recording } = await scene({
      brokers: 2,
      settings: { lingerMs: 30, requestTimeoutMs: 200, metadataMaxAgeMs: 50, unreachableAfterMs: 300 },
    });
    cluster.script.push(
      { kind: 'hang' },
      { kind: 'error', code: code.notEnoughReplicas },
      { kind: 'throttle', ms: 20 },
    );
    for (const value of numbers(0, 10)) append(value);
    expect(producer.stats().oldestUnsettledMs).toBeLessThan(10_000);
    await settled(10);
    append('m10');
    await settled(11);
    expect(cluster.log(topic).values).toEqual(numbers(0, 11));
    expect(producer.isReachable()).toBe(true);
    const refreshes = cluster.metadataRequests;
    await waitFor(() => cluster.metadataRequests > refreshes + 2, { deadlineMs: 5000, what: 'refreshes by age' });

    for (const broker of cluster.brokers) await broker.stop();
    append('m11');
    await waitFor(() => !producer.isReachable(), { deadlineMs: 5000, what: 'the outage to be noticed' });
    for (const broker of cluster.brokers) await broker.restart(true);
    await settled(12);
    expect(producer.isReachable()).toBe(true);
    const ages = recording.of('batchDelivered').map(([, , , ageMs]) => Number(ageMs));
    const durations = recording.of('requestEnded').map(([, , , durationMs]) => Number(durationMs));
    for (const ms of [...ages, ...durations]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(20_000);
    }
  });

  test('has no line that reads the clock of the day, but where the signatures of AWS end by it', () => {
    for (const folder of ['kafka', 'record-batch']) {
      const path = join(import.meta.dirname, '../../../gateway', folder);
      const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
      for (const file of files) {
        if (file === 'security/aws-msk-tokens.ts') continue;
        expect.soft(readFileSync(join(path, file), 'utf8'), `${folder}/${file}`).not.toMatch(/\bDate\b/);
      }
    }
  });
});
