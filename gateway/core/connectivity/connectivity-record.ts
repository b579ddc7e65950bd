import type { Message, RecordCodec } from '../codec.ts';
import { CommonHeaders, type RecordOrigin } from '../headers/common-headers.ts';
import { fitted, writeLength, writeOwnHeader } from '../headers/header-writer.ts';
import type { DeviceKind, Identity } from '../identity.ts';
import type { RecordEncoder } from '../record-sink.ts';
import { writeFraming } from '../wire-format.ts';

export const connectivityChanges = ['connected', 'disconnected', 'will_published'] as const;
export type ConnectivityChange = (typeof connectivityChanges)[number];

/** What is known of the connection that came or went. */
export interface ConnectionDetails {
  readonly clientId: string;
  readonly listener: string;
  /** MQTT protocol level. */
  readonly version: number | undefined;
}

/** A device came, went, or had its will published. */
export interface ConnectivityEvent {
  readonly id: string;
  readonly identity: Identity;
  readonly change: ConnectivityChange;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Undefined for a will. */
  readonly connection: ConnectionDetails | undefined;
  /** Why a connection ended. */
  readonly reason: string | undefined;
  /** Whether a connection took up a session from before. */
  readonly sessionPresent: boolean | undefined;
}

/** CloudEvents type: `com.mobilitycorp.vehicle.connectivity.v1`. */
export const connectivityEventType = (kind: DeviceKind): string => `com.mobilitycorp.${kind}.connectivity.v1`;

/** Writes the record of a connectivity event: its value by the schema `connectivity.avsc`, its headers as those of events. */
export class ConnectivityRecordEncoder implements RecordEncoder<ConnectivityEvent> {
  readonly #codec: RecordCodec;
  readonly #headers: Readonly<Record<DeviceKind, CommonHeaders>>;

  constructor(codec: RecordCodec, origin: RecordOrigin) {
    this.#codec = codec;
    const { contentType, schemaUri: dataSchema } = codec;
    const headersOf = (kind: DeviceKind) =>
      new CommonHeaders(origin, { eventType: connectivityEventType(kind), contentType, dataSchema });
    this.#headers = { vehicle: headersOf('vehicle'), bay: headersOf('bay') };
  }

  writeValue(event: ConnectivityEvent, target: Uint8Array, offset: number): number {
    const { framing, encoder } = this.#codec;
    if (offset + framing.length > target.length) return -1;
    return encoder.encode(messageOf(event), target, writeFraming(framing, target, offset));
  }

  writeHeaders({ id, identity, timeMs }: ConnectivityEvent, target: Uint8Array, offset: number): number {
    const { kind, boundTo } = identity;
    const common = this.#headers[kind === 'bay' ? 'bay' : 'vehicle'];
    const cause = { receivedAtMs: timeMs, traceparent: undefined, correlationId: undefined, replayAttempt: 0 };
    let at = writeLength(common.countOf(cause) + 1, target, offset);
    at = common.write(cause, timeMs * 1000, boundTo, boundTo, target, at);
    return fitted(writeOwnHeader('ce_id', id, target, at), target);
  }
}

/** The event as a record of `schemas/connectivity.avsc`. */
function messageOf({ identity, change, timeMs, connection, reason, sessionPresent }: ConnectivityEvent): Message {
  return {
    deviceId: identity.deviceId,
    subjectKind: identity.kind.toUpperCase(),
    subjectId: identity.boundTo,
    change: change.toUpperCase(),
    reason: reason ?? null,
    eventTimeUs: timeMs * 1000,
    clientId: connection?.clientId ?? null,
    listener: connection?.listener ?? null,
    protocolVersion: connection?.version ?? null,
    sessionPresent: sessionPresent ?? null,
  };
}
