import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { assertPortFree, freePorts } from '../../deploy/local/ports.ts';

test('free ports are different, and below those of outgoing connections', async () => {
  const ports = await freePorts(8);
  expect(new Set(ports).size).toBe(8);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a taken port is refused with its number, its purpose and what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    await expect(assertPortFree(port, 'a Kafka broker')).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringMatching(new RegExp(`port ${port} .*a Kafka broker.*choose another port`)),
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  await assertPortFree(port, 'a Kafka broker');
});
