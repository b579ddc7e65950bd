import type { Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { LingerBatches } from '../../../bench/servers/linger-batches.ts';
import { waitFor } from '../../support/wait-for.ts';

const message = (key: string): Message => ({ key, value: null });

describe('batches that linger', () => {
  const start = (maxMessages: number) => {
    const sent: { keys: unknown[]; answer: PromiseWithResolvers<void> }[] = [];
    const batches = new LingerBatches({
      lingerMs: 1,
      maxMessages,
      send: (messages) => {
        const answer = Promise.withResolvers<void>();
        sent.push({ keys: messages.map(({ key }) => key), answer });
        return answer.promise;
      },
    });
    const settled: [string, string | undefined][] = [];
    const add = (key: string): void => batches.add(message(key), (error) => settled.push([key, error?.message]));
    return { sent, settled, add };
  };
  const until = (condition: () => boolean) => waitFor(condition, { deadlineMs: 5000, what: 'the batches' });

  it('send what has gathered as one batch', async () => {
    const { sent, settled, add } = start(10);
    for (const key of ['a', 'b', 'c']) add(key);
    expect(sent).toEqual([]);
    await until(() => sent.length === 1);
    expect(sent[0]?.keys).toEqual(['a', 'b', 'c']);
    expect(settled).toEqual([]);
    sent[0]?.answer.resolve();
    await until(() => settled.length === 3);
    expect(settled.map(([key]) => key)).toEqual(['a', 'b', 'c']);
  });

  it('send one batch at a time, the next as soon as the one before it is answered', async () => {
    const { sent, add } = start(2);
    for (const key of ['a', 'b', 'c', 'd', 'e']) add(key);
    expect(sent.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    sent[0]?.answer.resolve();
    await until(() => sent.length === 2);
    sent[1]?.answer.resolve();
    await until(() => sent.length === 3);
    expect(sent.map(({ keys }) => keys)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('hand an error of Kafka to every message of the batch', async () => {
    const { sent, settled, add } = start(2);
    for (const key of ['a', 'b']) add(key);
    sent[0]?.answer.reject(new Error('no leader'));
    await until(() => settled.length === 2);
    expect(settled).toEqual([
      ['a', 'no leader'],
      ['b', 'no leader'],
    ]);
  });
});
