import { describeConfigError } from '../gateway/config/errors.ts';
import { type GatewayConfig, loadConfig } from '../gateway/config/load.ts';
import type { Promises } from './fit.ts';

export type PromisesResult =
  | { readonly ok: true; readonly promises: Promises }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What a gateway with the settings of this file promises; without a file, one with default settings. */
export function readPromises(file: string | undefined): PromisesResult {
  const result = loadConfig(file === undefined ? { settings: {}, env: {} } : { file });
  if (!result.ok) return { ok: false, problems: result.errors.map(describeConfigError) };
  return { ok: true, promises: promisesOf(result.config) };
}

function promisesOf({ routes, deadLetterTopic, kafka, validation, spool }: GatewayConfig): Promises {
  return {
    topics: [...new Set([...routes.map(({ kafkaTopic }) => kafkaTopic), deadLetterTopic])],
    maxBatchBytes: kafka.maxBatchBytes,
    maxClockAheadSeconds: validation.maxClockAheadSeconds,
    maxClockBehindSeconds: validation.maxClockBehindSeconds,
    spoolMaxAgeSeconds: spool.mode === 'off' ? 0 : spool.maxAgeSeconds,
  };
}
