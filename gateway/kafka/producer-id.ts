import { initProducerIdV4 } from '@platformatic/kafka';
import type { ProducerIdentity } from '../record-batch/sealed-batch.ts';
import { backoffMs } from './backoff.ts';
import type { ControlChannel } from './control-channel.ts';
import type { KafkaObserver, KafkaObservers } from './observer.ts';
import { describeRefusal } from './security/access-failure.ts';
import type { AccessWatch } from './security/access-watch.ts';
import type { KafkaSettings } from './settings.ts';

/** Means nothing without a transactional id, but the field is there. */
const transactionTimeoutMs = 60_000;

/** In the eyes of the `AccessWatch`. */
export const whereIdsComeFrom = 'producer ids';

/** Asks the cluster for a producer id that nobody has had. Any broker can answer. */
export async function fetchProducerIdentity(control: ControlChannel): Promise<ProducerIdentity> {
  const { producerId, producerEpoch } = await control.ask((connection) =>
    initProducerIdV4.api.async(connection, null, transactionTimeoutMs, -1n, -1),
  );
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(producerId);
  return { producerId: bytes, epoch: producerEpoch };
}

/** Gets producer ids for lanes that lost theirs, for as long as it takes. */
export class ProducerIds {
  readonly #control: ControlChannel;
  readonly #settings: KafkaSettings;
  readonly #observer: KafkaObserver;
  readonly #access: AccessWatch;
  readonly #onIdentity: (identity: ProducerIdentity) => void;
  #wanted = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    control: ControlChannel,
    settings: KafkaSettings,
    { observer, access }: KafkaObservers,
    onIdentity: (identity: ProducerIdentity) => void,
  ) {
    this.#control = control;
    this.#settings = settings;
    this.#observer = observer;
    this.#access = access;
    this.#onIdentity = onIdentity;
  }

  /** Returns at once; `onIdentity` is called once, later. Further calls until then change nothing. */
  request(): void {
    if (this.#wanted || this.#closed) return;
    this.#wanted = true;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    try {
      const identity = await fetchProducerIdentity(this.#control);
      this.#wanted = false;
      this.#failures = 0;
      this.#access.succeeded(whereIdsComeFrom);
      if (!this.#closed) this.#onIdentity(identity);
    } catch (error) {
      if (this.#closed) return;
      this.#failures += 1;
      this.#access.failed(whereIdsComeFrom, error);
      const retryInMs = backoffMs(this.#failures, this.#settings);
      this.#observer.producerIdFailed(describeRefusal(error), retryInMs);
      this.#timer = setTimeout(() => void this.#fetch(), retryInMs);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
