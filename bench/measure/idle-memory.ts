import { setTimeout as delay } from 'node:timers/promises';
import type { LoadProcess } from '../load/process.ts';
import type { Server } from '../servers/launch.ts';
import { collectGarbage } from './garbage.ts';
import { median } from './median.ts';
import { residentBytes } from './processes.ts';

export interface IdleMemory {
  readonly connections: number;
  /** Garbage collected before and after connecting. */
  readonly bytesPerConnection: number;
  /** Garbage collected before connecting only: what connecting leaves behind is in it. */
  readonly uncollectedBytesPerConnection: number;
  readonly beforeBytes: number;
  readonly uncollectedBytes: number;
  readonly afterBytes: number;
}

const readings = 5;
/** Collections before the first reading: V8 drops the bytecode of functions that some collections found unused. */
const collectionsBefore = 12;
const pauseMs = 400;

/**
 * Memory of the server per connection that is authenticated and says nothing: the growth of its resident memory.
 * Buffers of the kernel are not in it.
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
  await delay(pauseMs);
  const uncollectedBytes = residentBytes(server.pid);
  const afterBytes = await settledBytes(server);
  return {
    connections,
    bytesPerConnection: (afterBytes - beforeBytes) / connections,
    uncollectedBytesPerConnection: (uncollectedBytes - beforeBytes) / connections,
    beforeBytes,
    uncollectedBytes,
    afterBytes,
  };
};

/** Median of several readings, each behind a garbage collection and a pause in which memory can go back to the system. */
export const settledBytes = async (server: Server): Promise<number> => {
  if (server.inspectorUrl === undefined) throw new Error('a server whose memory is measured needs its inspector');
  for (let time = 0; time < collectionsBefore; time++) await collectGarbage(server.inspectorUrl);
  const bytes: number[] = [];
  for (let reading = 0; reading < readings; reading++) {
    await collectGarbage(server.inspectorUrl);
    await delay(pauseMs);
    bytes.push(residentBytes(server.pid));
  }
  return median(bytes) as number;
};
