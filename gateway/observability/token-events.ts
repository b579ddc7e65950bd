import type { TokenKeysErrorCode } from '../identity/tokens/keys-error.ts';
import { type TokenObserver, type TokenRejection, tokenRejections } from '../identity/tokens/observer.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** Events of tokens as passwords. Nothing that a token holds is in any of them: neither its text nor its key id. */
export class TokenEvents implements TokenObserver {
  readonly #log: Log;
  readonly #rejected = new Tally<TokenRejection>('reason', tokenRejections);
  readonly #failures = new Tally<TokenKeysErrorCode>('code', [
    'keys_unreadable',
    'keys_too_large',
    'keys_malformed',
    'keys_unusable',
  ]);
  #readings = 0;
  #keys = 0;
  #ignored = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters('edge_identity_tokens_rejected_total', 'Tokens that did not count, by why.', ['reason'], () =>
      this.#rejected.samples(),
    );
    metrics.counter(
      'edge_identity_token_key_readings_total',
      'Times that the key set of tokens was read.',
      () => this.#readings,
    );
    metrics.counters(
      'edge_identity_token_key_failures_total',
      'Times that it could not be, by code; the keys from before stayed.',
      ['code'],
      () => this.#failures.samples(),
    );
  }

  rejected(reason: TokenRejection, listener: string, deviceId: string): void {
    this.#rejected.add(reason);
    const fields = { reason, listener, deviceId: clip(deviceId) };
    this.#log.writeLimited('warn', 'identity_token_rejected', 'a token did not count', fields);
  }

  keysRead(keys: number, ignored: number): void {
    this.#readings += 1;
    if (this.#readings > 1 && keys === this.#keys && ignored === this.#ignored) return;
    this.#keys = keys;
    this.#ignored = ignored;
    this.#log.write('info', 'identity_token_keys_read', 'the key set of tokens was read', { keys, ignored });
  }

  keysFailed(code: TokenKeysErrorCode, message: string): void {
    this.#failures.add(code);
    this.#log.writeLimited(
      'error',
      'identity_token_keys_failed',
      'the key set of tokens was not taken; keys from before stay',
      {
        code,
        reason: clip(message),
      },
    );
  }
}
