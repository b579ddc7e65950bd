import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import protobuf from 'protobufjs';

const protoDirectory = join(import.meta.dirname, '../proto');

/** A vehicle report as plain fields, named as in the schemas; what is not set is undefined or null. */
export type ReportFields = Readonly<Record<string, unknown>>;

/** Reads the bytes that a vehicle publishes, with a library that has no part in the gateway. */
export class ReportReader {
  readonly #telemetry: protobuf.Type;

  /** Throws when the `.proto` files of the repository do not parse. */
  constructor() {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(protoDirectory, target);
    root.loadSync('mobility/telemetry/v1/vehicle_telemetry.proto');
    this.#telemetry = root.lookupType('mobility.telemetry.v1.VehicleTelemetry');
  }

  /** Undefined when the payload is no vehicle report. */
  read(payload: Uint8Array): ReportFields | undefined {
    try {
      return this.#telemetry.toObject(this.#telemetry.decode(payload), { longs: Number, enums: String });
    } catch {
      // What protobufjs throws for bytes that are no message of this type.
      return undefined;
    }
  }
}

/**
 * A checksum over everything that a report says, the same for what a vehicle sent (Protobuf) and for what Kafka has
 * (Avro): a record that carries the right name and another one's reading has another checksum. 32 bits, and never 0, which
 * stands for what is not known.
 */
export function contentOf(report: ReportFields): number {
  const position = (report.position ?? undefined) as ReportFields | undefined;
  const said = [
    report.vehicleId,
    report.bootId,
    report.sequence,
    report.eventTimeUs,
    position === undefined ? null : ['latitudeDeg', 'longitudeDeg', 'altitudeM', 'accuracyM'].map(fieldOf(position)),
    ...['speedMps', 'headingDeg', 'batteryLevel', 'batteryVoltageV', 'odometerM'].map(fieldOf(report)),
    // Protobuf's names of the values begin with the name of their type, and its first value may be left out.
    typeof report.status === 'string' ? report.status.replace('VEHICLE_STATUS_', '') : 'UNSPECIFIED',
    report.faultCodes ?? [],
  ];
  return crc32(JSON.stringify(said)) || 1;
}

const fieldOf =
  (fields: ReportFields) =>
  (name: string): unknown =>
    fields[name] ?? null;
