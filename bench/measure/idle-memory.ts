import { setTimeout as delay } from 'node:timers/promises';
import type { LoadProcess } from '../load/process.ts';
import type { Server } from '../servers/launch.ts';
import { collectGarbage } from './garbage.ts';
import { median } from './median.ts';
import { residentBytes } from './processes.ts';

export interface IdleMemory {
  readonly connections: number;
  readonly bytesPerConnection: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

const readings = 5;
const pauseMs = 400;

/**
 * Memory of the server per connection that is authenticated and says nothing: the growth of its resident memory,
 * collected garbage aside. Buffers of the kernel are not in it.
 *
 * @param warmUp load whose connections come and go first, so that what the server allocates once is not counted.
 */
export const measureIdleMemory = async (
  server: Server,
  load: LoadProcess,
  warmUp: LoadProcess,
  connections: number,
): Promise<IdleMemory> => {
  const connect = (from: LoadProcess, count: number): Promise<void> =>
    from.connect({ host: '127.0.0.1', port: server.port, connections: count, inFlight: 1, bootId: 0 });
  await connect(warmUp, Math.min(connections, 500));
  await warmUp[Symbol.asyncDispose]();
  const beforeBytes = await settledBytes(server);
  await connect(load, connections);
  const afterBytes = await settledBytes(server);
  const bytesPerConnection = (afterBytes - beforeBytes) / connections;
  return { connections, bytesPerConnection, beforeBytes, afterBytes };
};

/** Median of several readings, each behind a garbage collection and a pause in which memory can go back to the system. */
const settledBytes = async (server: Server): Promise<number> => {
  if (server.inspectorUrl === undefined) throw new Error('a server whose memory is measured needs its inspector');
  const bytes: number[] = [];
  for (let reading = 0; reading < readings; reading++) {
    await collectGarbage(server.inspectorUrl);
    await delay(pauseMs);
    bytes.push(residentBytes(server.pid));
  }
  return median(bytes) as number;
};
