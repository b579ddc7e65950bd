import { availableParallelism } from 'node:os';
import type { GatewayConfig } from './schema.ts';

const mostByDefault = 2;

/**
 * Hashes at once: as configured, or one less than there are cores, so that a flood of them leaves one to everything else.
 *
 * @param cores for tests; by default those that this process may use.
 */
export function hashConcurrencyOf(
  { identity }: Pick<GatewayConfig, 'identity'>,
  cores = availableParallelism(),
): number {
  if (identity.hashConcurrency > 0) return identity.hashConcurrency;
  return Math.max(1, Math.min(mostByDefault, cores - 1));
}
