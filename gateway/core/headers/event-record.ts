import type { RouteCodec } from '../codec.ts';
import type { DeviceEvent } from '../event.ts';
import type { RecordEncoder } from '../record-sink.ts';
import type { RouteSettings } from '../route.ts';
import { writeFraming } from '../wire-format.ts';
import type { RecordOrigin } from './common-headers.ts';
import { EventHeaders } from './event-headers.ts';
import { fitted, writeBytes } from './header-writer.ts';
import { StructuredRecordEncoder } from './structured-record.ts';

/** The encoder of a route's records, by its content mode. */
export function eventRecordEncoder(
  settings: RouteSettings,
  codec: RouteCodec | undefined,
  origin: RecordOrigin,
): RecordEncoder<DeviceEvent> {
  const isStructured = settings.contentMode === 'structured';
  return new (isStructured ? StructuredRecordEncoder : EventRecordEncoder)(settings, codec, origin);
}

/**
 * Writes the record of an event: value in the registry's wire format (or the raw payload), headers as CloudEvents 1.0 in
 * the binary mode of its Kafka protocol binding.
 */
class EventRecordEncoder implements RecordEncoder<DeviceEvent> {
  readonly #codec: RouteCodec | undefined;
  readonly #headers: EventHeaders;

  constructor({ eventType }: RouteSettings, codec: RouteCodec | undefined, origin: RecordOrigin) {
    this.#codec = codec;
    const { contentType, schemaUri: dataSchema } = codec ?? {};
    this.#headers = new EventHeaders(origin, { eventType, contentType, dataSchema });
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
    return this.#headers.write(event, target, offset);
  }
}
