import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import avsc from 'avsc';
import type { RecordSchema } from '../core/codec.ts';
import { ContractError } from './contract-error.ts';
import { exactLongs } from './exact-long.ts';

/** The schemas that come with the gateway. */
export const shippedSchemas = resolve(import.meta.dirname, '../../schemas');

/** An Avro schema as the file has it, and as avsc reads it. */
export interface AvroSchema {
  /** JSON text without white space. */
  readonly definition: string;
  readonly type: avsc.Type;
}

/**
 * @param file a relative one is looked up in `schemaPaths`, in their order.
 * @param user who needs it, for the error: `route "…"`.
 * @throws {ContractError} `invalid_schema`
 */
export function readAvroSchema(file: string, schemaPaths: readonly string[], user: string): AvroSchema {
  const path = schemaPaths.map((directory) => resolve(directory, file)).find((each) => existsSync(each)) ?? file;
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const type = avsc.Type.forSchema(parsed as avsc.Schema, { wrapUnions: false, typeHook: exactLongs });
    return { definition: JSON.stringify(parsed), type };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContractError('invalid_schema', `${user}: schema "${file}": ${reason}`, error);
  }
}

/**
 * Under TopicRecordNameStrategy of the Confluent serializers. Not their default, `{topic}-value`: a topic holds records of
 * several types here, and under one subject each would have to be compatible with the others.
 */
export function avroRecordSchema(kafkaTopic: string, { definition, type }: AvroSchema): RecordSchema {
  return { subject: subjectOf(kafkaTopic, type.name ?? type.typeName), type: 'AVRO', definition };
}

export const subjectOf = (kafkaTopic: string, fullName: string): string => `${kafkaTopic}-${fullName}`;
