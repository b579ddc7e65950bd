import { ownHeaderPrefix } from '../gateway/core/headers/record-headers.ts';
import { deviceKinds, type Identity } from '../gateway/core/identity.ts';
import { headersOf } from '../gateway/record-batch/header-array.ts';
import type { LogRecord } from '../record-log/record-batch.ts';

type Headers = readonly (readonly [key: string, value: Buffer | null])[];

/** A dead letter as it lies in its topic. */
export interface Letter {
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly message: string;
  /** When the gateway received the publish. */
  readonly receivedAtMs: number;
  /** Id of the vehicle or bay that the device is bound to, or of the device. */
  readonly subject: string;
  readonly identity: Identity;
  readonly mqttTopic: string;
  readonly qos: 0 | 1 | 2;
  readonly contentType: string | undefined;
  readonly traceparent: string | undefined;
  readonly correlationId: string | undefined;
  readonly payload: Buffer;
  /** The payload was too large for a letter; so long it was. */
  readonly droppedBytes: number | undefined;
  /** Topic or ids were too long for a letter, and were cut. */
  readonly truncated: boolean;
  /** Publishes of the device that were rejected before this one without a letter of their own. */
  readonly unkept: number;
  /**
   * Not a publish, but a record that Kafka refused after the spool had acknowledged it: where it was to go, and its own
   * headers.
   */
  readonly record: { readonly kafkaTopic: string; readonly key: Buffer | null; readonly headers: Headers } | undefined;
  /** Why its payload, which is encrypted, could not be opened; undefined: it is as the device sent it. */
  readonly sealed?: string | undefined;
  /** All headers, in their order. */
  readonly headers: Headers;
}

const textOf = (headers: Headers, name: string): string | undefined =>
  headers.find(([key]) => key === name)?.[1]?.toString();

/** @returns undefined for a record that is no dead letter. */
export function readLetter(record: LogRecord, deadLetterTopic: string): Letter | undefined {
  const headers = headersOf(record.headers);
  const reason = textOf(headers, 'dlq_reason');
  if (reason === undefined) return undefined;
  const letter = readPublish(record, headers, reason);
  const kafkaTopic = textOf(headers, 'dlq_kafka_topic');
  // A letter that Kafka refused is a letter all the same.
  if (kafkaTopic === undefined || kafkaTopic === deadLetterTopic) return letter;
  const receivedAtMs = Date.parse(textOf(headers, 'ce_receivedtime') ?? '') || letter.receivedAtMs;
  return { ...letter, receivedAtMs, record: { kafkaTopic, key: record.key, headers: ownHeadersOf(headers) } };
}

/** The headers that a refused record had before it became a letter. */
const ownHeadersOf = (headers: Headers): Headers =>
  headers
    .filter(([name]) => name.startsWith(ownHeaderPrefix))
    .map(([name, value]) => [name.slice(ownHeaderPrefix.length), value]);

function readPublish(record: LogRecord, headers: Headers, reason: string): Letter {
  const text = (name: string): string | undefined => textOf(headers, name);
  const key = record.key?.toString() ?? '';
  const deviceId = text('dlq_device_id') ?? '';
  const kind = deviceKinds.find((known) => known === text('dlq_device_kind')) ?? 'anonymous';
  const boundTo = text('dlq_bound_to') ?? (kind === 'anonymous' ? '' : key);
  const groups = text('dlq_groups')?.split(',');
  const dropped = text('dlq_dropped_payload_bytes');
  return {
    partition: record.partition,
    offset: record.offset,
    reason,
    message: text('dlq_message') ?? '',
    receivedAtMs: Date.parse(text('dlq_received_time') ?? '') || Math.max(0, record.timestampMs),
    subject: text('ce_subject') ?? key,
    identity: groups === undefined ? { deviceId, kind, boundTo } : { deviceId, kind, boundTo, groups },
    mqttTopic: text('dlq_mqtt_topic') ?? '',
    qos: qosOf(text('dlq_qos')),
    contentType: text('content-type'),
    traceparent: text('ce_traceparent') ?? text('traceparent'),
    correlationId: text('ce_correlationid'),
    payload: record.value ?? Buffer.alloc(0),
    droppedBytes: dropped === undefined ? undefined : Number(dropped),
    truncated: text('dlq_truncated') !== undefined,
    unkept: Number(text('dlq_unkept_publishes') ?? 0),
    record: undefined,
    headers,
  };
}

function qosOf(text: string | undefined): 0 | 1 | 2 {
  if (text === '1') return 1;
  return text === '2' ? 2 : 0;
}

export const positionOf = ({ partition, offset }: { partition: number; offset: number }): string =>
  `${partition}:${offset}`;

/** Whether the letter holds all that a replay needs. */
export const isReplayable = ({ droppedBytes, truncated, sealed }: Letter): boolean =>
  droppedBytes === undefined && !truncated && sealed === undefined;
