import type { RouteCodec } from '../codec.ts';
import type { DeviceEvent } from '../event.ts';
import type { RecordEncoder } from '../record-sink.ts';
import type { RouteSettings } from '../route.ts';
import { framingBytes, writeFraming } from '../wire-format.ts';
import { digitCount, writeDecimal } from './decimal.ts';
import { fitted, fixedBytes, writeBytes, writeHeader, writeLength, writeText } from './header-writer.ts';
import { microsecondsLength, millisecondsLength, TimestampWriter } from './timestamp-writer.ts';
import { utf8Length, writeUtf8 } from './utf8.ts';

const avroContentType = 'application/avro';
const rawContentType = 'application/octet-stream';
const colon = 0x3a;
/** ce_specversion, ce_type, ce_source, content-type, ce_time, ce_receivedtime, ce_subject, ce_id. */
const headersAlways = 8;

/**
 * Writes the record of an event: value in the Confluent wire format (or the raw payload), headers as CloudEvents 1.0 in
 * the binary mode of its Kafka protocol binding, section 3.2. `ce_id` is `{deviceId}:{bootId}:{sequence}`, or
 * `{deviceId}:{digest}` where the payload has neither; the same publish sent again yields the same id.
 */
export class EventRecordEncoder implements RecordEncoder<DeviceEvent> {
  readonly #codec: RouteCodec | undefined;
  readonly #times = new TimestampWriter();
  readonly #receivedTimes = new TimestampWriter();
  /** From the first header up to the value of ce_time. */
  readonly #beforeTime: Uint8Array;
  /** The key of ce_receivedtime and the length of its value. */
  readonly #beforeReceivedTime: Uint8Array;
  readonly #subjectKey: Uint8Array;
  readonly #idKey: Uint8Array;

  constructor(settings: RouteSettings, codec: RouteCodec | undefined, source: string) {
    this.#codec = codec;
    this.#beforeTime = fixedBytes((target) => {
      let at = writeHeader('ce_specversion', '1.0', target, 0);
      at = writeHeader('ce_type', settings.eventType, target, at);
      at = writeHeader('ce_source', source, target, at);
      if (codec !== undefined) at = writeHeader('content-type', avroContentType, target, at);
      return writeLength(microsecondsLength, target, writeText('ce_time', target, at));
    });
    this.#beforeReceivedTime = fixedBytes((target) =>
      writeLength(millisecondsLength, target, writeText('ce_receivedtime', target, 0)),
    );
    this.#subjectKey = fixedBytes((target) => writeText('ce_subject', target, 0));
    this.#idKey = fixedBytes((target) => writeText('ce_id', target, 0));
  }

  writeValue(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { message } = event;
    if (this.#codec === undefined || message === undefined) {
      return fitted(writeBytes(event.publish.payload, target, offset), target);
    }
    if (offset + framingBytes > target.length) return -1;
    const body = writeFraming(this.#codec.schemaId, target, offset);
    try {
      return this.#codec.encoder.encode(message, target, body);
    } catch {
      // The schema does not take the message. The pipeline asks `defectOf` why; the sink must only know that there is
      // no record.
      return -1;
    }
  }

  writeHeaders(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { publish } = event;
    const { traceparent, correlationId } = publish;
    const count = headersAlways + (traceparent === undefined ? 0 : 1) + (correlationId === undefined ? 0 : 1);
    let at = writeBytes(this.#beforeTime, target, writeLength(count, target, offset));
    at = this.#times.writeMicroseconds(event.timeUs, target, at);
    at = writeBytes(this.#beforeReceivedTime, target, at);
    at = this.#receivedTimes.writeMilliseconds(publish.receivedAtMs, target, at);
    at = writeText(event.subject, target, writeBytes(this.#subjectKey, target, at));
    at = writeEventId(event, target, writeBytes(this.#idKey, target, at));
    if (this.#codec === undefined) at = writeHeader('content-type', publish.contentType ?? rawContentType, target, at);
    if (traceparent !== undefined) at = writeHeader('traceparent', traceparent, target, at);
    if (correlationId !== undefined) at = writeHeader('ce_correlationid', correlationId, target, at);
    return fitted(at, target);
  }
}

function writeEventId(event: DeviceEvent, target: Uint8Array, offset: number): number {
  const { deviceId } = event.publish.identity;
  const { bootId, sequence } = event;
  if (sequence < 0) return writeText(`${deviceId}:${event.digest}`, target, offset);
  const length = utf8Length(deviceId) + digitCount(bootId) + digitCount(sequence) + 2;
  let at = writeUtf8(deviceId, target, writeLength(length, target, offset));
  target[at++] = colon;
  at = writeDecimal(bootId, target, at);
  target[at++] = colon;
  return writeDecimal(sequence, target, at);
}
