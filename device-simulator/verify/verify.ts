import type { Ledger } from '../core/ledger.ts';
import { Reconciler, type Reconciliation } from '../core/reconcile.ts';
import { eventOf } from './event.ts';
import { RegisteredAvro } from './registry.ts';
import { readTopics } from './topic-reader.ts';

export interface VerifyOptions {
  /** `host:port` of Kafka brokers. */
  readonly bootstrap: readonly string[];
  /** Base address of the schema registry's Confluent API. */
  readonly registryUrl: string;
  readonly topics: readonly string[];
  /** End offsets from before the run, by `topic/partition` (see `endOffsets`): what is older is not read. */
  readonly startOffsets?: ReadonlyMap<string, number>;
  readonly ledger: Ledger;
  readonly onProgress?: (recordsRead: number, recordsInAll: number) => void;
}

export interface Verification extends Reconciliation {
  readonly recordsRead: number;
  /** Records that are not Confluent-framed Avro of the contract's events; they count as foreign. */
  readonly unreadable: number;
}

/**
 * Reads the topics up to their present ends and compares them with the ledger.
 *
 * @throws {VerifyError} when Kafka or the registry cannot be read: then there is no verdict
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const registry = new RegisteredAvro(options.registryUrl);
  const reconciler = new Reconciler(options.ledger);
  let unreadable = 0;
  const recordsRead = await readTopics({
    bootstrap: options.bootstrap,
    topics: options.topics,
    ...(options.startOffsets && { startOffsets: options.startOffsets }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    onRecords: async (place, records) => {
      let count = 0;
      for (; records.next(); count += 1) {
        const { bytes, valueStart, valueEnd } = records;
        const missing = registry.missingSchema(bytes, valueStart, valueEnd);
        if (missing !== undefined) await registry.fetch(missing);
        const fields = registry.decode(bytes, valueStart, valueEnd);
        const event = fields && eventOf(place, records, fields);
        if (event) reconciler.observe(event);
        else unreadable += 1;
      }
      return count;
    },
  });
  const figures = reconciler.conclude();
  return { ...figures, foreign: figures.foreign + unreadable, recordsRead, unreadable };
}
