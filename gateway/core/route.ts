/** A route as configured: which MQTT topics, in which format, go to which Kafka topic under which key. */
export interface RouteSettings {
  /** MQTT topic with named levels: `v1/vehicles/{vehicleId}/telemetry`. A level is literal or `{name}`. */
  readonly pattern: string;
  /** `protobuf`: decoded, validated, written in `valueFormat`. `raw`: bytes untouched. */
  readonly format: 'protobuf' | 'raw';
  readonly kafkaTopic: string;
  /**
   * Where the record key comes from: `topic:vehicleId` (a named level) or `payload:vehicleId` (a field; protobuf only).
   * Alternatives are separated by `|`, the first that is not empty wins: `payload:vehicleId|topic:bayId`.
   */
  readonly key: string;
  /** Which kind of device may use it; its bound id must equal the level named by `subject`. */
  readonly deviceKind: 'vehicle' | 'bay';
  /**
   * The named level that holds the id of the vehicle or bay. If the message has a field of the same name, the two must
   * be equal.
   */
  readonly subject: string;
  /** CloudEvents type of its records. */
  readonly eventType: string;
  /**
   * How its records are CloudEvents: `binary` unless given, attributes in headers and the value as `format` says;
   * `structured`: both in one JSON object.
   */
  readonly contentMode?: 'binary' | 'structured';
  /** Protobuf only: full name of the message, for example `mobility.telemetry.v1.VehicleTelemetry`. */
  readonly message?: string;
  /** Protobuf only: the repeated field that holds the events, when the message is a batch. */
  readonly items?: string;
  /** Protobuf only. `avro` unless given: re-encoded. `protobuf`: the device's own bytes; of a batch, each item's own. */
  readonly valueFormat?: 'avro' | 'protobuf';
  /**
   * Protobuf only: file of the Avro schema of one event's record. Without need where the values are Protobuf; if given,
   * it is required of messages what it requires.
   */
  readonly schema?: string;
  /** The values of its records are encrypted on their way to the sink; nothing in here depends on it. */
  readonly encrypted?: boolean;
}

/** What is wrong with the settings of a route. The message names the route and the offending part. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly code = 'invalid_route';
}
