import type { RouteCodec } from '../codec.ts';
import type { DeviceEvent } from '../event.ts';
import type { RecordEncoder } from '../record-sink.ts';
import type { RouteSettings } from '../route.ts';
import type { ClampDirection } from '../validation/event-clock.ts';
import { writeFraming } from '../wire-format.ts';
import { CommonHeaders, type RecordOrigin } from './common-headers.ts';
import { writeEventId, writeEventSequence } from './event-headers.ts';
import { fitted, writeBytes, writeHeader, writeLength } from './header-writer.ts';

const rawContentType = 'application/octet-stream';

/**
 * Writes the record of an event: value in the registry's wire format (or the raw payload), headers as CloudEvents 1.0 in
 * the binary mode of its Kafka protocol binding. `ce_timeclamped` says that the device's time was not used, and on which
 * side it lay.
 */
export class EventRecordEncoder implements RecordEncoder<DeviceEvent> {
  readonly #codec: RouteCodec | undefined;
  readonly #common: CommonHeaders;
  readonly #isTimed: boolean;

  constructor({ eventType }: RouteSettings, codec: RouteCodec | undefined, origin: RecordOrigin) {
    this.#codec = codec;
    this.#isTimed = codec?.decoder.fields.has('eventTimeUs') ?? false;
    this.#common = new CommonHeaders(origin, {
      eventType,
      contentType: codec?.contentType,
      dataSchema: codec?.schemaUri,
    });
  }

  writeValue(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { message } = event;
    const codec = this.#codec;
    if (codec === undefined || message === undefined) {
      return fitted(writeBytes(event.publish.payload, target, offset), target);
    }
    if (offset + codec.framing.length > target.length) return -1;
    const body = writeFraming(codec.framing, target, offset);
    try {
      return codec.encoder.encode(message, target, body);
    } catch {
      // The schema does not take the message. The pipeline asks `defectOf` why; the sink must only know that there is
      // no record.
      return -1;
    }
  }

  writeHeaders(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { publish } = event;
    const common = this.#common;
    const isSequenced = event.sequence >= 0;
    const isRaw = this.#codec === undefined;
    const isClamped = this.#isTimed && event.message !== undefined && event.message.eventTimeUs !== event.timeUs;
    const count = common.countOf(publish) + 1 + (isSequenced ? 1 : 0) + (isRaw ? 1 : 0) + (isClamped ? 1 : 0);
    let at = writeLength(count, target, offset);
    at = common.write(publish, event.timeUs, event.subject, event.key, target, at);
    at = writeEventId(event, target, at);
    if (isSequenced) at = writeEventSequence(event, target, at);
    if (isClamped) at = writeHeader('ce_timeclamped', clampDirection(event), target, at);
    if (isRaw) at = writeHeader('content-type', publish.contentType || rawContentType, target, at);
    return fitted(at, target);
  }
}

/** Of an event whose time is not its device's. */
function clampDirection({ message, timeUs }: DeviceEvent): ClampDirection {
  return (message?.eventTimeUs as number) > timeUs ? 'future' : 'past';
}
