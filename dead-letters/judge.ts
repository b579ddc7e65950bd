import type { GatewayConfig } from '../gateway/config/schema.ts';
import { contractsOf } from '../gateway/contracts-of.ts';
import type { RegisteredSchema, RouteCodec } from '../gateway/core/codec.ts';
import type { Rejection } from '../gateway/core/outcome.ts';
import { createPipeline, type Pipeline } from '../gateway/core/pipeline.ts';
import { obtainSchemas } from '../gateway/schema-registry/obtain-schemas.ts';
import { openRegistry } from '../gateway/schema-registry/open-registry.ts';
import { topicDemandsOf } from '../gateway/topic-demands-of.ts';
import { type CapturedRecord, CapturedRecords } from './captured-records.ts';
import type { Letter } from './letter.ts';
import { headerArray } from './notes.ts';
import { ReplayedPublish } from './replayed-publish.ts';

/** Topics to which a gateway with these settings writes events, and what it derives from them. */
export function eventTopicsOf(config: GatewayConfig): string[] {
  return [...topicDemandsOf(config).keys()].filter((topic) => topic !== config.deadLetterTopic);
}

/** As in the gateway: more than a batch's header and a record's own lengths take. */
const batchOverheadBytes = 256;

export type Verdict = { readonly records: readonly CapturedRecord[] } | { readonly rejection: Rejection };

/**
 * Takes letters through the gateway's pipeline of today: its routes, contracts, schemas and limits, and the identity that
 * the publish came with. It remembers no event (a copy is recognised by its id) and derives no alerts: they would tell of
 * the past as if it were now.
 */
export class Judge {
  readonly #pipeline: Pipeline;
  readonly #sink: CapturedRecords;
  readonly #topics: ReadonlySet<string>;

  /**
   * @param codecs of the routes, by their patterns.
   * @throws {RouteError} when the routes contradict each other or the codecs.
   */
  constructor(config: GatewayConfig, codecs: ReadonlyMap<string, RouteCodec>) {
    const { routes, validation: limits, eventSource: source, eventTenant: tenant } = config;
    const maxRecordBytes = config.kafka.maxBatchBytes - batchOverheadBytes;
    this.#pipeline = createPipeline({ routes, codecs, limits, source, tenant, maxRecordBytes });
    this.#sink = new CapturedRecords(maxRecordBytes);
    this.#topics = new Set(eventTopicsOf(config));
  }

  /** @param attempt how often the letter has been replayed, this time included. */
  judge(letter: Letter, attempt: number): Verdict {
    if (letter.record !== undefined) return this.#judgeRecord(letter, letter.record, attempt);
    const rejection = this.#pipeline.run(new ReplayedPublish(letter, attempt), this.#sink);
    const records = this.#sink.take();
    return rejection === undefined ? { records } : { rejection };
  }

  /** It has been through the pipeline; its bytes are what Kafka is offered again. */
  #judgeRecord(letter: Letter, record: NonNullable<Letter['record']>, attempt: number): Verdict {
    const { kafkaTopic, key } = record;
    if (!this.#topics.has(kafkaTopic)) {
      return { rejection: { reason: 'no_route', detail: `nothing of the gateway writes to ${kafkaTopic} any more` } };
    }
    const own = record.headers.filter(([name]) => name !== 'ce_replayattempt');
    const headers = headerArray([...own, ['ce_replayattempt', Buffer.from(String(attempt))]]);
    const timestampMs = timeOf(own) ?? letter.receivedAtMs;
    return { records: [{ topic: kafkaTopic, key, timestampMs, value: letter.payload, headers }] };
  }
}

/** The event's time: what the record was dated with. */
function timeOf(headers: Letter['headers']): number | undefined {
  const time = Date.parse(headers.find(([name]) => name === 'ce_time')?.[1]?.toString() ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Codecs with the registry's ids. @throws {SchemaRegistryError | ContractError} */
export async function registeredCodecs(config: GatewayConfig): Promise<ReadonlyMap<string, RouteCodec>> {
  const contracts = contractsOf(config);
  const registry = await openRegistry(config.schemaRegistry);
  return contracts.codecs(await obtainSchemas(registry, contracts.schemas, config.schemaRegistry));
}

const unregistered: RegisteredSchema = { registry: 'confluent', id: 0, uri: '' };

/** Codecs for whoever writes nothing; they name no schema, and no registry is asked. @throws {ContractError} */
export function unregisteredCodecs(config: GatewayConfig): ReadonlyMap<string, RouteCodec> {
  const contracts = contractsOf(config);
  return contracts.codecs(new Map(contracts.schemas.map(({ subject }) => [subject, unregistered])));
}
