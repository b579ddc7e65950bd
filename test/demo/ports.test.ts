import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { choosePorts } from '../../demo/ports.ts';

it('chooses different ports for everything, and not one that is taken', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    // Taken by this test, or by somebody else: both are fine.
    taken.once('error', () => resolve());
    taken.listen(1883, '127.0.0.1', resolve);
  });
  onTestFinished(() => new Promise<void>((resolve) => void taken.close(() => resolve())));
  const { mqtt, kafka, registry, admin } = await choosePorts(3);
  expect(mqtt).not.toBe(1883);
  expect(kafka).toHaveLength(3);
  expect(new Set([mqtt, registry, admin, ...kafka]).size).toBe(6);
});
