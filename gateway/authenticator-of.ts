import { hashConcurrencyOf } from './config/hash-concurrency.ts';
import type { GatewayConfig } from './config/schema.ts';
import { Authenticator } from './identity/authenticator.ts';
import type { HashThreads } from './identity/hash-threads.ts';
import type { DeviceSource } from './identity/known-devices.ts';
import type { TokenVerifier } from './identity/tokens/token-verifier.ts';
import type { Observability } from './observability/observability.ts';

/** Finds out who a client is, by the settings. */
export function authenticatorOf(
  config: GatewayConfig,
  registry: DeviceSource | undefined,
  tokens: TokenVerifier | undefined,
  hashThreads: HashThreads,
  observability: Observability,
): Authenticator {
  const { cacheMaxEntries, cacheTtlSeconds, hashQueueMax } = config.identity;
  const authenticator = new Authenticator({
    registry,
    cache: { maxEntries: cacheMaxEntries, ttlSeconds: cacheTtlSeconds },
    hashConcurrency: hashConcurrencyOf(config),
    hashQueueMax,
    verifySecret: (secret, stored) => hashThreads.verify(secret, stored),
    bannedPerMinute: config.limits.bans.verifiedPerMinute,
    tokens,
    observer: observability.identity,
  });
  observability.watch({
    name: 'edge_identity_hashes_pending',
    help: 'Connections whose password is being verified or waits for it.',
    read: () => authenticator.pending,
  });
  observability.watch({
    name: 'edge_identity_banned_waiting',
    help: 'Refused logins whose password is verified when it is their turn.',
    read: () => authenticator.bannedWaiting,
  });
  return authenticator;
}
