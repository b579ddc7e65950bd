import type { GatewayConfig } from './config/schema.ts';
import { TokenVerifier } from './identity/tokens/token-verifier.ts';
import type { Observability } from './observability/observability.ts';

/** Who verifies tokens, without keys so far; undefined where no listener takes any. */
export function tokensOf(
  { listeners, identity }: GatewayConfig,
  observability: Observability,
): TokenVerifier | undefined {
  if (!listeners.some(({ auth, credentials }) => auth === 'registry' && credentials !== 'secret')) return undefined;
  const { jwksFile, jwksUrl, timeoutMs, maxJwksBytes, refreshSeconds, retrySeconds, ...rules } = identity.tokens;
  const verifier = new TokenVerifier({
    ...rules,
    source: { file: jwksFile, url: jwksUrl, timeoutMs, maxBytes: maxJwksBytes },
    refreshMs: refreshSeconds * 1000,
    retryMs: retrySeconds * 1000,
    observer: observability.tokens,
  });
  observability.watch(
    {
      name: 'edge_identity_token_keys',
      help: 'Keys that tokens are checked with, each by algorithm.',
      read: () => verifier.keys.size,
    },
    {
      name: 'edge_identity_token_keys_age_seconds',
      help: 'Time since they were last read; NaN when they never were.',
      read: () => verifier.keys.ageMs / 1000,
    },
    {
      name: 'edge_identity_tokens_pending',
      help: 'Connections whose token is being verified or waits for that.',
      read: () => verifier.pending,
    },
  );
  return verifier;
}
