import type { GatewayConfig } from './config/schema.ts';
import { Authenticator } from './identity/authenticator.ts';
import type { HashThreads } from './identity/hash-threads.ts';
import type { DeviceSource } from './identity/known-devices.ts';
import type { TokenVerifier } from './identity/tokens/token-verifier.ts';
import type { Observability } from './observability/observability.ts';

/** Finds out who a client is, by the settings. */
export function authenticatorOf(
  { identity, limits }: GatewayConfig,
  registry: DeviceSource | undefined,
  tokens: TokenVerifier | undefined,
  hashThreads: HashThreads,
  observability: Observability,
): Authenticator {
  const { cacheMaxEntries, cacheTtlSeconds, hashConcurrency, hashQueueMax } = identity;
  const authenticator = new Authenticator({
    registry,
    cache: { maxEntries: cacheMaxEntries, ttlSeconds: cacheTtlSeconds },
    hashConcurrency,
    hashQueueMax,
    verifySecret: (secret, stored) => hashThreads.verify(secret, stored),
    bannedPerMinute: limits.bans.verifiedPerMinute,
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
