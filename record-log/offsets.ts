import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, type Isolation, type Position, readCommitted } from './cluster.ts';
import { RecordLogError } from './errors.ts';
import { PassingFailure } from './passing-failure.ts';

const retryMs = 300;
const givesUpAfterMs = 60_000;

/** Asks for offsets until the leaders answer. @throws {RecordLogError} `stalled` after a minute. */
export async function offsetsOf(
  cluster: Cluster,
  topic: string,
  position: Position,
  isolation: Isolation = readCommitted,
): Promise<Map<number, number>> {
  const givesUpAtMs = performance.now() + givesUpAfterMs;
  for (;;) {
    try {
      return await cluster.offsets(await cluster.locate(topic), position, isolation);
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      if (performance.now() > givesUpAtMs) {
        throw new RecordLogError('stalled', `${topic}: its leaders do not answer: ${error.message}`, error);
      }
    }
    await delay(retryMs);
  }
}
