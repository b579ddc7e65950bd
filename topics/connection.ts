import { describeConfigError } from '../gateway/config/errors.ts';
import { loadConfig } from '../gateway/config/load.ts';
import type { SecuritySettings } from '../gateway/kafka/security/settings.ts';

/** Where a command connects to, and how it is let in. */
export interface ClusterConnection {
  readonly brokers: readonly string[];
  readonly security: SecuritySettings;
}

export type ConnectionResult =
  | { readonly ok: true; readonly connection: ClusterConnection }
  | { readonly ok: false; readonly problems: readonly string[] };

const localBrokers = ['127.0.0.1:9092'];

/**
 * Brokers, TLS and login of a file of settings, overridden by the environment as for the gateway; without a file, those
 * of a local cluster.
 *
 * @param brokers instead of those of the settings.
 */
export function readConnection(file: string | undefined, brokers: readonly string[] | undefined): ConnectionResult {
  if (file === undefined) return { ok: true, connection: { brokers: brokers ?? localBrokers, security: {} } };
  const result = loadConfig({ file });
  if (!result.ok) return { ok: false, problems: result.errors.map(describeConfigError) };
  const { bootstrapBrokers, tls, sasl } = result.config.kafka;
  return { ok: true, connection: { brokers: brokers ?? bootstrapBrokers, security: { tls, sasl } } };
}
