import type { GatewayConfig } from './schema.ts';

type Config = Pick<GatewayConfig, 'routes' | 'deadLetterTopic' | 'alerts' | 'connectivity' | 'encryption'>;

/**
 * Kafka topics whose records are encrypted: those of routes that say so, and where there is one, that of dead letters, which
 * hold what devices sent, be it to a route or beside one, and those of what the gateway derives, unless it is excepted.
 */
export function encryptedTopicsOf(config: Config): ReadonlySet<string> {
  const { routes, deadLetterTopic, alerts, connectivity, encryption } = config;
  const ofRoutes = routes.flatMap(({ encrypted, kafkaTopic }) => (encrypted === true ? [kafkaTopic] : []));
  if (ofRoutes.length === 0) return new Set();
  return new Set([
    ...ofRoutes,
    deadLetterTopic,
    ...(alerts.enabled && encryption.alerts ? [alerts.topic] : []),
    ...(connectivity.enabled && encryption.connectivity ? [connectivity.topic] : []),
  ]);
}
