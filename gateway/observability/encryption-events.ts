import type { KeysRead } from '../encryption/key-ring.ts';
import type { KeysObserver } from '../encryption/observer.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** Every event of the keys that data is encrypted under: their ids at most, never what is in them. */
export class EncryptionEvents implements KeysObserver {
  readonly #log: Log;
  readonly #readings = new Tally<string>('result', ['taken', 'refused']);
  #keys = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.gauge(
      'edge_encryption_keys',
      'Keys that data is encrypted under, or was; 0: none are used.',
      () => this.#keys,
    );
    metrics.counters(
      'edge_encryption_key_readings_total',
      'Readings of the files of keys, by whether they were taken.',
      ['result'],
      () => this.#readings.samples(),
    );
  }

  keysLoaded(cause: string, { current, keys, warnings }: KeysRead): void {
    this.#readings.add('taken');
    this.#keys = keys;
    this.#log.write('info', 'encryption_keys_loaded', 'these keys apply', { cause, current, keys });
    for (const warning of warnings) this.#log.writeLimited('warn', 'encryption_keys_questionable', warning, {});
  }

  keysRefused(cause: string, code: string, problem: string): void {
    this.#readings.add('refused');
    const text = 'new keys were not taken; those before still apply';
    this.#log.writeLimited('error', 'encryption_keys_refused', text, { cause, code, problem });
  }
}
