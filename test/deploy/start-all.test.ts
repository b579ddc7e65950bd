import { describe, expect, it } from 'vitest';
import { startAll } from '../../deploy/local/start-all.ts';

/** Waits for others, as a broker does that wants to see all of its cluster. */
const waitsForOthers = (signal: AbortSignal): Promise<string> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('not ready')));
  });

describe('servers that are started together', () => {
  it('are handed out in their order', async () => {
    const later = Promise.withResolvers<string>();
    const first = () => later.promise;
    const second = async () => {
      later.resolve('first');
      return 'second';
    };
    await expect(startAll([first, second], async () => undefined, undefined)).resolves.toEqual(['first', 'second']);
  });

  it('fail by what failed first, not by those that waited for it', async () => {
    const broken = async (): Promise<string> => {
      throw new Error('port taken');
    };
    const started = startAll([waitsForOthers, waitsForOthers, broken], async () => undefined, undefined);
    await expect(started).rejects.toThrow('port taken');
  });

  it('are ended when another one fails', async () => {
    const ended: string[] = [];
    const broken = async (): Promise<string> => {
      throw new Error('port taken');
    };
    const end = async (name: string): Promise<void> => {
      ended.push(name);
    };
    await expect(startAll([async () => 'first', broken], end, undefined)).rejects.toThrow('port taken');
    expect(ended).toEqual(['first']);
  });

  it('give up when they are asked to', async () => {
    const asked = new AbortController();
    const started = startAll([waitsForOthers], async () => undefined, asked.signal);
    asked.abort();
    await expect(started).rejects.toThrow('not ready');
  });
});
