export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before attempt `attempt` (0 for the first after a loss): doubles up to a limit, of which a random half
 * is taken, so that a fleet that lost its server at one instant does not come back at one instant.
 *
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: BackoffOptions, random: number): number {
  const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return ceilingMs / 2 + (random * ceilingMs) / 2;
}
