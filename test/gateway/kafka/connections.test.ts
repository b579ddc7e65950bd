import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { scene } from './scene.ts';

test('every connection to a broker probes a peer that is silent', async () => {
  const probed = vi.spyOn(Socket.prototype, 'setKeepAlive');
  const { append, settled } = await scene();
  append('m0');
  await settled(1);
  // For questions, and for Produce requests.
  expect(probed.mock.calls).toEqual([
    [true, 30_000],
    [true, 30_000],
  ]);
});
