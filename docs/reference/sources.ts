import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../gateway/config/load.ts';
import type { GatewayConfig } from '../../gateway/config/schema.ts';
import { contractsOf } from '../../gateway/contracts-of.ts';
import type { RecordSchema } from '../../gateway/core/codec.ts';
import { topicDemandsOf } from '../../gateway/topic-demands-of.ts';
import { readTopics } from '../../topics/topics-file.ts';
import type { WantedTopic } from '../../topics/wanted.ts';
import { describeAvro } from './avro.ts';
import { type EventKind, eventKinds } from './event-kinds.ts';

/** Everything that the reference is made of. */
export interface Sources {
  /** Topics of the reviewed file. */
  readonly topics: readonly WantedTopic[];
  /** Topics that the gateway writes to. */
  readonly written: readonly string[];
  readonly kinds: readonly EventKind[];
  /** Avro schemas of the records, each with its subject. */
  readonly schemas: readonly RecordSchema[];
  /** Full names of the records that the files of schemas declare, by file. */
  readonly recordNames: ReadonlyMap<string, string>;
  /** The directory of the device contract. */
  readonly protos: string;
}

const root = resolve(import.meta.dirname, '../..');

/** A gateway whose settings say nothing, but with everything that can be written switched on. */
export const referenceSettings = { alerts: { enabled: true }, connectivity: { enabled: true } };

/** @throws {Error} when the repository's own files contradict each other. */
export function readSources(): Sources {
  const config = defaultConfig();
  const contracts = contractsOf(config);
  const kinds = eventKinds(config);
  const files = [...new Set(kinds.flatMap(({ schema }) => schema ?? []))];
  return {
    topics: reviewedTopics(),
    written: [...topicDemandsOf(config).keys()],
    kinds,
    schemas: contracts.schemas,
    recordNames: new Map(files.map((file) => [file, describeAvro(readSchema(file)).fullName])),
    protos: join(root, 'proto'),
  };
}

const readSchema = (file: string): string => readFileSync(join(root, 'schemas', file), 'utf8');

function defaultConfig(): GatewayConfig {
  const result = loadConfig({ settings: referenceSettings, env: {} });
  if (!result.ok) throw new Error(`the default settings are not usable: ${JSON.stringify(result.errors)}`);
  return result.config;
}

function reviewedTopics(): readonly WantedTopic[] {
  const result = readTopics(readFileSync(join(root, 'schemas/topics.yaml'), 'utf8'));
  if (!result.ok) throw new Error(`schemas/topics.yaml is not usable: ${JSON.stringify(result.problems)}`);
  return result.topics;
}
