export interface BackoffSettings {
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/**
 * The pause before the next attempt after `failures` (≥ 1) in a row: doubling, bounded, and spread over its upper half,
 * so that lanes and gateways that failed together do not return together.
 */
export function backoffMs(failures: number, settings: BackoffSettings): number {
  const full = Math.min(settings.retryBackoffMaxMs, settings.retryBackoffMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + Math.random() / 2);
}
