import { encryptedTopicsOf } from './config/encrypted-topics.ts';
import type { GatewayConfig } from './config/schema.ts';
import type { KeyProvider } from './core/data-keys.ts';
import type { RecordSink } from './core/record-sink.ts';
import { BacklogSealingSink } from './encryption/backlog-sealing-sink.ts';
import { KeyRing } from './encryption/key-ring.ts';
import { KeysError } from './encryption/keys-error.ts';
import type { KeysObserver } from './encryption/observer.ts';
import { sealingOverheadBytes } from './encryption/record-sealer.ts';
import { SealingSink } from './encryption/sealing-sink.ts';
import { FileWatch } from './files/file-watch.ts';
import type { BacklogSealing } from './spool/replay.ts';

/** Keys, exchanged while the gateway runs, and what they encrypt. */
export class EncryptionPath {
  readonly #config: GatewayConfig;
  readonly #observer: KeysObserver;
  readonly #ring: KeyRing;
  readonly #watch: FileWatch;
  /** One reading after the other: what was asked for last applies at last. */
  #readings: Promise<void> = Promise.resolve();

  constructor(config: GatewayConfig, observer: KeysObserver) {
    const { keysFile, masterKeysFile } = config.encryption;
    this.#config = config;
    this.#observer = observer;
    this.#ring = new KeyRing({ keysFile, masterKeysFile });
    const paths = [keysFile, ...(masterKeysFile === '' ? [] : [masterKeysFile])];
    this.#watch = new FileWatch(
      () => paths,
      (changed) => this.reload(changed.join(', ')),
    );
  }

  get keys(): KeyProvider {
    return this.#ring;
  }

  /** @throws {KeysError} without usable keys nothing is encrypted, and so nothing is taken. */
  async open(): Promise<void> {
    const { watchSeconds } = this.#config.encryption;
    if (watchSeconds > 0) await this.#watch.start(watchSeconds * 1000);
    const first = this.#readings.then(() => this.#ring.read());
    this.#readings = first.then(
      () => {},
      () => {},
    );
    this.#observer.keysLoaded('start', await first);
  }

  /** Reads the files anew; those that can't be used change nothing. @param cause for the log. */
  reload(cause: string): void {
    this.#readings = this.#readings.then(() => this.#read(cause));
  }

  async #read(cause: string): Promise<void> {
    try {
      this.#observer.keysLoaded(cause, await this.#ring.read());
    } catch (error) {
      // Of what is not ours nothing is repeated: it may quote the file.
      const [code, problem] = error instanceof KeysError ? [error.code, error.message] : ['unknown', 'defect'];
      this.#observer.keysRefused(cause, code, problem);
    }
  }

  close(): void {
    this.#watch.stop();
  }
}

/** Undefined where no keys are configured: then nothing is encrypted, and nothing in the spool can have been. */
export const encryptionOf = (config: GatewayConfig, observer: KeysObserver): EncryptionPath | undefined =>
  config.encryption.keysFile === '' ? undefined : new EncryptionPath(config, observer);

/** The sink that seals what is to be sealed on its way to `target`: `target` itself where nothing is. */
export function sealing(config: GatewayConfig, target: RecordSink, keys: KeyProvider | undefined): RecordSink {
  const topics = encryptedTopicsOf(config);
  if (topics.size === 0) return target;
  if (keys === undefined) throw new RangeError('records are to be encrypted, and there are no keys');
  return new SealingSink({ target, keys, topics, maxRecordBytes: config.kafka.maxBatchBytes });
}

/**
 * The same for what comes out of the spool, of which some may be plain; undefined where nothing is sealed.
 *
 * @param sealedLate told of each record that lay plain in the spool.
 */
export function backlogSealing(
  config: GatewayConfig,
  keys: KeyProvider | undefined,
  sealedLate: (topic: string) => void,
): BacklogSealing | undefined {
  const topics = encryptedTopicsOf(config);
  if (topics.size === 0 || keys === undefined) return undefined;
  const { deadLetterTopic } = config;
  const maxRecordBytes = config.kafka.maxBatchBytes;
  return (target) => new BacklogSealingSink({ target, keys, topics, maxRecordBytes, deadLetterTopic, sealedLate });
}

/** What a record may take less where records are sealed. */
export const sealingBytesOf = (config: GatewayConfig): number =>
  encryptedTopicsOf(config).size === 0 ? 0 : sealingOverheadBytes;
