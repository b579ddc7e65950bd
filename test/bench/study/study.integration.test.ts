import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StudyResult } from '../../../bench/study/report/result.ts';

const main = join(import.meta.dirname, '../../../bench/study/main.ts');

const study = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });

const lastLine = (text: string): StudyResult => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as StudyResult;

describe('npm run study', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-study-test-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('measures on three brokers, draws, and measures nothing a second time', { timeout: 300_000 }, async () => {
    // Too short to say anything about speed: only that everything is measured, checked and reported.
    const parts = [
      'latency',
      'throughput',
      'spool',
      '--seconds',
      '3',
      '--warm-up',
      '1',
      '--broker-warm-up',
      '1',
      '--no-verdict',
    ];
    const args = [...parts, '--charts', folder, '--journal', join(folder, 'journal')];
    const { code, stdout, stderr } = await study(...args);
    expect(stderr).toBe('');
    // Without a verdict on figures, what is left to be bad are publishes that were lost or never acknowledged.
    expect(code, stdout).toBe(0);
    const figures = { p50Ms: expect.any(Number), p95Ms: expect.any(Number), p99Ms: expect.any(Number) };
    expect(lastLine(stdout)).toEqual({
      latency: [1000, 5000, 10_000].map((ratePerSecond) => ({
        ratePerSecond,
        puback: { ...figures, p999Ms: expect.any(Number) },
        pubackWithConsumer: { ...figures, p999Ms: expect.any(Number) },
        endToEnd: { ...figures, p999Ms: expect.any(Number) },
      })),
      quotient: null,
      saturatedPerSecond: expect.any(Number),
      spooledPerSecond: { kafkaThere: expect.any(Number), kafkaHalted: expect.any(Number) },
    });
    expect(await readdir(folder)).toEqual(['journal', 'latency.svg']);
    expect(await readFile(join(folder, 'latency.svg'), 'utf8')).toContain('</svg>');

    const again = await study(...args);
    expect(again.stdout).not.toContain('Kafka is ready');
    expect(lastLine(again.stdout)).toEqual(lastLine(stdout));
  });

  it('refuses what it does not know', async () => {
    const { code, stderr } = await study('--fast');
    expect(code).toBe(2);
    expect(stderr).toContain('--fast');
  });
});
