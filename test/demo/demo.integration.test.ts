import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../support/wait-for.ts';

interface Run {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly exited: Promise<number | null>;
}

/** The demo as its user runs it, in a process of its own. */
function demo(...args: string[]): Run {
  const main = join(import.meta.dirname, '../../demo/main.ts');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  return { child, lines, exited };
}

const until = (what: string, { lines, child }: Run, isThere: (line: string) => boolean) =>
  waitFor(() => lines.some(isThere) || child.exitCode !== null, { deadlineMs: 150_000, what });

describe('the demo', () => {
  it('ends well, with the figures in its last line, when everything acknowledged is in Kafka', async () => {
    const run = demo('--seconds', '3', '--vehicles', '20', '--bays', '5', '--rate', '2');
    const exitCode = await run.exited;
    expect(run.lines.join('\n')).toContain('Verdict: good');
    const figures = JSON.parse(run.lines.at(-1) ?? '') as Record<string, number>;
    expect(figures).toMatchObject({ sent: 123, acked: 123, inKafka: 123, lost: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(exitCode).toBe(0);
  }, 180_000);

  it('keeps everything running on demand, and ends it when it is interrupted', async () => {
    const run = demo('--seconds', '1', '--vehicles', '3', '--bays', '1', '--keep');
    await until('the addresses', run, (line) => line.startsWith('Ctrl-C ends it all'));
    const metrics = /http:\/\/\S+\/metrics/.exec(run.lines.join('\n'))?.[0] ?? '';
    const registry = /http:\/\/\S+\/apis\/ccompat\/v7/.exec(run.lines.join('\n'))?.[0] ?? '';
    expect((await fetch(metrics)).status).toBe(200);
    expect((await fetch(`${registry}/subjects`)).status).toBe(200);
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);
    expect(run.lines.at(-1)).toMatch(/^\{"sent":3,/);
    await expect(fetch(metrics)).rejects.toThrow();
    await expect(fetch(`${registry}/subjects`)).rejects.toThrow();
  }, 180_000);

  it('ends at once with a clear message for wrong input', async () => {
    const run = demo('--seconds', 'abc');
    expect(await run.exited).toBe(2);
    expect(run.lines.join('\n')).toContain("'--seconds <n>' argument 'abc' is invalid");
  });
});
