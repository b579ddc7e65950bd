import { CommandFailure } from '../gateway/command/failure.ts';
import { readRules } from '../gateway/config/authorization-rules.ts';
import type { GatewayConfig } from '../gateway/config/schema.ts';
import { contractsOf } from '../gateway/contracts-of.ts';
import { Access } from '../gateway/core/access.ts';
import { RuleSet } from '../gateway/core/authorization/rule-set.ts';
import type { RegisteredSchema, RouteCodec } from '../gateway/core/codec.ts';
import type { KeyProvider } from '../gateway/core/data-keys.ts';
import type { Rejection } from '../gateway/core/outcome.ts';
import { createPipeline, type Pipeline } from '../gateway/core/pipeline.ts';
import type { Settleable } from '../gateway/core/publish.ts';
import type { RecordSink } from '../gateway/core/record-sink.ts';
import { RouteTable } from '../gateway/core/route-table.ts';
import { sealing, sealingBytesOf } from '../gateway/encryption-path.ts';
import { obtainSchemas } from '../gateway/schema-registry/obtain-schemas.ts';
import { openRegistry } from '../gateway/schema-registry/open-registry.ts';
import { eventTopicsOf } from '../gateway/topic-demands-of.ts';
import { type CapturedRecord, CapturedRecords, contentEncoder } from './captured-records.ts';
import type { Letter } from './letter.ts';
import { headerArray } from './notes.ts';
import { ReplayedPublish } from './replayed-publish.ts';

/** As in the gateway: more than a batch's header and a record's own lengths take. */
const batchOverheadBytes = 256;
/** Nothing of it is sent, so that nobody has to be told. */
const nobody: Settleable = { settleRecord: () => undefined };

export type Verdict = { readonly records: readonly CapturedRecord[] } | { readonly rejection: Rejection };

/**
 * Takes letters through the gateway's pipeline of today: its routes, rules, contracts, schemas and limits, and the identity
 * that the publish came with. It remembers no event (a copy is recognised by its id) and derives no alerts: they would tell of
 * the past as if it were now.
 */
export class Judge {
  readonly #pipeline: Pipeline;
  readonly #captured: CapturedRecords;
  readonly #sink: RecordSink;
  readonly #topics: ReadonlySet<string>;

  /**
   * @param codecs of the routes, by their patterns.
   * @param keys that events are encrypted under where the settings say so.
   * @throws {RouteError} when the routes contradict each other or the codecs.
   * @throws {CommandFailure} when the file of rules of authorization can't be used.
   */
  constructor(config: GatewayConfig, codecs: ReadonlyMap<string, RouteCodec>, keys?: KeyProvider) {
    const { routes, validation: limits, eventSource: source, eventTenant: tenant } = config;
    const largest = config.kafka.maxBatchBytes - batchOverheadBytes;
    const maxRecordBytes = largest - sealingBytesOf(config);
    const access = accessOf(config);
    this.#pipeline = createPipeline({ routes, access, codecs, limits, source, tenant, maxRecordBytes });
    this.#captured = new CapturedRecords(largest);
    this.#sink = sealing(config, this.#captured, keys);
    this.#topics = new Set(eventTopicsOf(config));
  }

  /** @param attempt how often the letter has been replayed, this time included. */
  judge(letter: Letter, attempt: number): Verdict {
    if (letter.record !== undefined) return this.#judgeRecord(letter, letter.record, attempt);
    const rejection = this.#pipeline.run(new ReplayedPublish(letter, attempt), this.#sink);
    const records = this.#captured.take();
    return rejection === undefined ? { records } : { rejection };
  }

  /** It has been through the pipeline; its bytes are what Kafka is offered again, encrypted where they are to be. */
  #judgeRecord(letter: Letter, record: NonNullable<Letter['record']>, attempt: number): Verdict {
    const { kafkaTopic, key } = record;
    if (!this.#topics.has(kafkaTopic)) {
      return { rejection: { reason: 'no_route', detail: `nothing of the gateway writes to ${kafkaTopic} any more` } };
    }
    const own = record.headers.filter(([name]) => name !== 'ce_replayattempt');
    const headers = headerArray([...own, ['ce_replayattempt', Buffer.from(String(attempt))]]);
    const timestampMs = timeOf(own) ?? letter.receivedAtMs;
    const kept = { topic: kafkaTopic, key, timestampMs, value: letter.payload, headers };
    if (own.some(([name]) => name === 'enc_algorithm')) return { records: [kept] };
    // It was spooled plain: its topic may be encrypted by now.
    const isTaken = this.#sink.append(kafkaTopic, key?.toString() ?? '', timestampMs, contentEncoder, kept, nobody);
    if (isTaken) return { records: this.#captured.take() };
    return { rejection: { reason: 'too_large', detail: 'the record is larger than a batch may be' } };
  }
}

/** What devices may do by the rules of today. */
function accessOf({ authorization, routes }: GatewayConfig): Access {
  const { rules, problems } = readRules(authorization, routes);
  if (problems !== undefined) throw new CommandFailure(problems, 2);
  return new Access(new RouteTable(routes), new RuleSet(rules));
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
