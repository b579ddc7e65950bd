/** What a consumer needs to know about a header. Its value is UTF-8 text. */
export interface HeaderMeaning {
  /** What is in it. */
  readonly meaning: string;
  /** When it is there; undefined: on every record of the kind. */
  readonly when?: string;
}

/** On every record of every topic that the gateway writes: attributes of CloudEvents 1.0 and of its extensions. */
export const commonHeaders = {
  ce_specversion: { meaning: 'Version of CloudEvents: `1.0`.' },
  ce_id: {
    meaning:
      'Names the event for ever; the same when it is written again, so that a consumer that has seen it drops it. Begins with the device; for a client of an anonymous listener with `{deviceId}/{subject}`.',
  },
  ce_source: { meaning: 'Who wrote it: setting `eventSource`.' },
  ce_type: { meaning: 'What it is: one of the event types above.' },
  ce_subject: { meaning: 'Id of the vehicle or bay.' },
  ce_time: { meaning: 'Time of the event, RFC 3339 in UTC. The record timestamp is the same in milliseconds.' },
  ce_receivedtime: { meaning: 'When the gateway received it, RFC 3339 with milliseconds in UTC.' },
  ce_partitionkey: { meaning: "The record's key (extension Partitioning)." },
  ce_dataschema: {
    when: 'values with a schema',
    meaning: 'Where the schema of the value is: its address in the schema registry.',
  },
  ce_tenant: { when: 'setting `eventTenant` is not empty', meaning: 'Whose vehicles these are.' },
  ce_correlationid: { when: 'the device sent correlation data (MQTT 5)', meaning: 'Its correlation data.' },
  ce_traceparent: {
    when: 'the device sent it (MQTT 5 user property `traceparent`)',
    meaning: 'W3C trace context as the device sent it (extension Distributed Tracing).',
  },
  traceparent: {
    when: 'as `ce_traceparent`',
    meaning: 'The same, where tracing libraries look for it and replace it.',
  },
  ce_replayattempt: {
    when: 'replayed dead letters',
    meaning: 'How often the publish has been replayed: 1 for the first time.',
  },
  'content-type': { meaning: 'Media type of the value.' },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Besides, on records of events. */
export const eventHeaders = {
  ce_sequence: {
    when: 'events with boot id and sequence',
    meaning:
      '`{bootId}-{sequence}` with leading zeros (extension Sequence): sorts as the device counted, within one boot id.',
  },
  ce_timeclamped: {
    when: "the device's clock was too far off",
    meaning:
      "`past` or `future`: where the device's time lay. `ce_time` is then the time of receipt; the device's own is in the value.",
  },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Besides, on alerts. */
export const alertHeaders = {
  ce_causationid: { meaning: '`ce_id` of the event that caused it.' },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Besides, on dead letters of publishes. */
export const letterHeaders = {
  dlq_reason: { meaning: 'Why: one of the [rejection reasons](#rejection-reasons).' },
  dlq_message: { meaning: 'Which field, which value, which limit, in words; at most 1,024 bytes.' },
  dlq_device_id: { meaning: 'Who sent it.' },
  dlq_device_kind: { meaning: '`vehicle`, `bay` or `anonymous`.' },
  dlq_bound_to: { meaning: 'The vehicle or bay that the device is bound to; empty for an anonymous one.' },
  dlq_groups: {
    when: 'the device is in some',
    meaning: 'All of its groups, separated by commas, which rules of authorization may name.',
  },
  dlq_mqtt_topic: { meaning: 'Where it was published.' },
  dlq_qos: { meaning: 'Its quality of service: 0, 1 or 2.' },
  dlq_received_time: { meaning: 'When the gateway received it, RFC 3339 with milliseconds in UTC.' },
  dlq_dropped_payload_bytes: {
    when: 'the payload did not fit',
    meaning: 'How long it was; the value is empty.',
  },
  dlq_truncated: {
    when: 'MQTT topic, device id or binding were longer than 256 bytes, or groups than 2,079, and were cut',
    meaning: '`true`: the letter cannot be replayed.',
  },
  dlq_unkept_publishes: {
    when: 'the device exceeded its share of the topic before',
    meaning: 'How many of its rejected publishes before this one left no letter.',
  },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Before the names of the headers that a record had when Kafka refused it after it had been in the spool. */
export const ownHeaderPrefix = 'dlq_own_';

/** Besides, on the dead letter of such a record. */
export const refusedRecordHeaders = {
  dlq_reason: letterHeaders.dlq_reason,
  dlq_message: letterHeaders.dlq_message,
  dlq_kafka_topic: { meaning: 'Where the record was to go.' },
  dlq_spooled_time: { meaning: 'When it was put into the spool, RFC 3339 with milliseconds in UTC.' },
  dlq_own_: {
    when: 'the value is not dropped',
    meaning: 'And behind it the name of a header that the record had: what it was there, `ce_id` in `dlq_own_ce_id`.',
  },
  dlq_dropped_payload_bytes: letterHeaders.dlq_dropped_payload_bytes,
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Besides, on notes of replays. */
export const noteHeaders = {
  dlq_note: { meaning: 'What it notes: `outcome` of a replayed letter, or a `round` of letters that begins or ends.' },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Besides, on records whose value is encrypted. */
export const sealedHeaders = {
  enc_algorithm: {
    meaning: '`A256GCM-HKDF-S256-1`: how it is encrypted, to what it is bound, and how a reader gets there.',
  },
  enc_key_id: { meaning: 'Id of the key that the one below is derived from.' },
  enc_salt: { meaning: '16 bytes in base64: with the key, and its id, they make the key of the value.' },
  enc_nonce: { meaning: '12 bytes in base64, never twice under one key.' },
} as const satisfies Readonly<Record<string, HeaderMeaning>>;

/** Every header that the gateway and its commands write. */
export type HeaderName =
  | keyof typeof commonHeaders
  | keyof typeof eventHeaders
  | keyof typeof alertHeaders
  | keyof typeof letterHeaders
  | keyof typeof refusedRecordHeaders
  | keyof typeof noteHeaders
  | keyof typeof sealedHeaders;
