import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const chatty = join(import.meta.dirname, 'chatty-process.ts');
/** Five times what pipe and buffer hold. */
const lines = 5000;

/** Runs the process with somebody at the other end of its standard output; returns its exit code and how much it dropped. */
const run = async (reader: 'reads' | 'stalls' | 'leaves', count: number) => {
  const child = spawn(process.execPath, [chatty, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let read = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  if (reader === 'reads') {
    child.stdout.on('data', (chunk: Buffer) => {
      read += chunk.toString();
    });
  }
  if (reader === 'leaves') child.stdout.destroy();
  const [code] = (await once(child, reader === 'reads' ? 'close' : 'exit')) as [number | null];
  child.stdout.destroy();
  return { code, dropped: Number(errors), read: read.split('\n').length - 1 };
};

describe('standard output', () => {
  it('has every line that was written before the end of the process', async () => {
    expect(await run('reads', 40)).toEqual({ code: 0, dropped: 0, read: 40 });
  });

  it('neither blocks the process nor fills its memory when nobody reads; dropped lines are counted', async () => {
    const { code, dropped } = await run('stalls', lines);
    expect(code).toBe(0);
    expect(dropped).toBeGreaterThan(lines / 2);
    expect(dropped).toBeLessThan(lines);
  });

  it('does not take the process along when its reader leaves', async () => {
    const { code, dropped } = await run('leaves', lines);
    expect(code).toBe(0);
    expect(dropped).toBeGreaterThan(lines / 2);
  });
});
