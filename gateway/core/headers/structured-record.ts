import type { RouteCodec } from '../codec.ts';
import type { DeviceEvent } from '../event.ts';
import { eventId } from '../event-id.ts';
import type { RecordEncoder } from '../record-sink.ts';
import type { RouteSettings } from '../route.ts';
import { base64 } from './base64.ts';
import type { RecordOrigin } from './common-headers.ts';
import { clampDirection, EventHeaders, eventSequence, rawContentType } from './event-headers.ts';
import { fitted } from './header-writer.ts';
import { plainJson } from './plain-json.ts';
import { writeUtf8 } from './utf8.ts';

const structuredContentType = 'application/cloudevents+json; charset=UTF-8';

/**
 * Writes the record of an event in the structured mode of the Kafka protocol binding, section 3.3: attributes and data in
 * the value, as JSON (JSON event format, sections 2 and 3). A message is `data`, with the names of its fields and enums as
 * in the Avro schema; a raw payload is `data_base64`.
 *
 * The headers are those of the binary mode all the same, but for `content-type` (section 3.3.3 allows it), so that a
 * record can be found and counted without reading its value. Makes texts and objects for each record: it is for consumers
 * who want it, not for the mass.
 */
export class StructuredRecordEncoder implements RecordEncoder<DeviceEvent> {
  readonly #eventType: string;
  readonly #codec: RouteCodec | undefined;
  readonly #origin: RecordOrigin;
  readonly #headers: EventHeaders;

  constructor({ eventType }: RouteSettings, codec: RouteCodec | undefined, origin: RecordOrigin) {
    this.#eventType = eventType;
    this.#codec = codec;
    this.#origin = origin;
    const kind = { eventType, contentType: structuredContentType, dataSchema: codec?.schemaUri };
    this.#headers = new EventHeaders(origin, kind);
  }

  writeValue(event: DeviceEvent, target: Uint8Array, offset: number): number {
    // What the schema does not take must not come out as JSON either.
    if (event.message !== undefined && this.#codec?.encoder.defectOf(event.message) !== undefined) return -1;
    const text = JSON.stringify({ ...this.#attributesOf(event), ...this.#dataOf(event) });
    if (offset + text.length > target.length) return -1;
    return fitted(writeUtf8(text, target, offset), target);
  }

  writeHeaders(event: DeviceEvent, target: Uint8Array, offset: number): number {
    return this.#headers.write(event, target, offset);
  }

  /** What the header array has; JSON leaves out what is undefined. */
  #attributesOf(event: DeviceEvent): object {
    const { publish, timeUs, subject, key } = event;
    const { source, tenant } = this.#origin;
    return {
      specversion: '1.0',
      id: eventId(event),
      type: this.#eventType,
      source,
      dataschema: this.#codec?.schemaUri,
      tenant: tenant || undefined,
      time: rfc3339(timeUs),
      receivedtime: new Date(publish.receivedAtMs).toISOString(),
      subject,
      partitionkey: key,
      traceparent: publish.traceparent || undefined,
      correlationid: publish.correlationId || undefined,
      replayattempt: publish.replayAttempt > 0 ? String(publish.replayAttempt) : undefined,
      sequence: event.sequence < 0 ? undefined : eventSequence(event),
      timeclamped: clampDirection(event),
    };
  }

  #dataOf({ publish, message }: DeviceEvent): object {
    if (message !== undefined) return { datacontenttype: 'application/json', data: plainJson(message) };
    return { datacontenttype: publish.contentType || rawContentType, data_base64: base64(publish.payload) };
  }
}

/** With microseconds, as in the header. */
function rfc3339(timeUs: number): string {
  const wholeUs = Math.floor(timeUs);
  const ms = Math.floor(wholeUs / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(wholeUs - ms * 1000).padStart(3, '0')}Z`;
}
