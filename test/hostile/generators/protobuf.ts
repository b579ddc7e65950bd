import type { Random } from '../../../device-simulator/core/random.ts';
import { encodeMessage, vehicleReport } from '../../support/telemetry.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

/** Ends of the topics of a vehicle, and what is valid there. */
const kinds = ['telemetry', 'telemetry/batch', 'battery', 'diagnostics', 'incidents'] as const;
export type Kind = (typeof kinds)[number];

const envelope = (vehicleId: string, sequence: number) => ({
  vehicleId,
  bootId: 7,
  sequence,
  eventTimeUs: Date.now() * 1000,
});

const valid: Readonly<Record<Kind, (vehicleId: string, sequence: number) => Buffer>> = {
  telemetry: (vehicleId, sequence) => encodeMessage('VehicleTelemetry', vehicleReport(vehicleId, sequence)),
  'telemetry/batch': (vehicleId, sequence) =>
    encodeMessage('VehicleTelemetryBatch', {
      items: [0, 1, 2].map((offset) => vehicleReport(vehicleId, sequence + offset)),
    }),
  battery: (vehicleId, sequence) =>
    encodeMessage('BatteryStatus', { ...envelope(vehicleId, sequence), batteryLevel: 0.5, chargingState: 2 }),
  diagnostics: (vehicleId, sequence) =>
    encodeMessage('Diagnostics', { ...envelope(vehicleId, sequence), faultCodes: ['P0A80', 'U0100'], odometerM: 7 }),
  incidents: (vehicleId, sequence) =>
    encodeMessage('Incident', {
      ...envelope(vehicleId, sequence),
      type: 2,
      position: { latitudeDeg: 52.5, longitudeDeg: 13.4 },
    }),
};

interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** Without the length, where it has one. */
  readonly content: Buffer;
}

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
};

function readVarint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let next = at; ; next += 1, scale *= 128) {
    const byte = bytes[next] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: next + 1 };
  }
}

/** The fields of a valid message. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const { value: tag, next } = readVarint(message, at);
    const wire = tag & 7;
    let from = next;
    let to = next;
    if (wire === 2) {
      const { value: length, next: start } = readVarint(message, next);
      from = start;
      to = start + length;
    } else {
      to = wire === 0 ? readVarint(message, next).next : next + (wire === 1 ? 8 : 4);
    }
    fields.push({ number: tag >>> 3, wire, content: message.subarray(from, to) });
    at = to;
  }
  return fields;
}

const encodeField = ({ number, wire, content }: Field): Buffer =>
  Buffer.concat([varint(number * 8 + wire), ...(wire === 2 ? [varint(content.length)] : []), content]);

/** A message in a message in a message: groups (wire type 3), or length-delimited fields. */
export function nested(levels: number, kind: 'groups' | 'messages', number = 6): Buffer {
  if (kind === 'groups') {
    const start = varint(number * 8 + 3);
    const end = varint(number * 8 + 4);
    return Buffer.concat([
      ...Array.from({ length: levels }, () => start),
      ...Array.from({ length: levels }, () => end),
    ]);
  }
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level += 1) inner = encodeField({ number, wire: 2, content: inner });
  return inner;
}

type Spoil = (fields: Field[], random: Random) => Field[] | Buffer;

const otherField = (random: Random): Field => ({
  number: random.chance(0.5) ? 1 + random.integer(30) : pick(random, [0, 536_870_911, 19_000, 100]),
  wire: random.integer(8),
  content: randomBytes(random, random.integer(24)),
});

const changed = (fields: Field[], random: Random, change: (field: Field) => Field): Field[] => {
  const at = random.integer(fields.length);
  return fields.map((field, index) => (index === at ? change(field) : field));
};

const spoils: readonly Spoil[] = [
  (fields, random) => changed(fields, random, (field) => ({ ...field, wire: random.integer(8) })),
  (fields, random) => changed(fields, random, (field) => ({ ...field, number: random.integer(40) })),
  (fields, random) => changed(fields, random, (field) => ({ ...field, content: mutateBytes(field.content, random) })),
  (fields, random) =>
    changed(fields, random, (field) => ({ ...field, content: randomBytes(random, field.content.length) })),
  (fields, random) => [...fields, ...fields.filter(() => random.chance(0.5))],
  (fields, random) => fields.filter(() => random.chance(0.7)),
  (fields, random) => fields.toSorted(() => random.next() - 0.5),
  (fields, random) => [...fields, ...Array.from({ length: 1 + random.integer(20) }, () => otherField(random))],
  (fields, random) =>
    Buffer.concat([...fields.map(encodeField), nested(1 + random.integer(300), pick(random, ['groups', 'messages']))]),
  (fields, random) => mutateBytes(Buffer.concat(fields.map(encodeField)), random),
  (_fields, random) => randomBytes(random, random.integer(200)),
];

export interface ProtobufCase {
  readonly kind: Kind;
  readonly payload: Buffer;
}

/** A payload that is nearly one: spoilt in its fields, or below them. */
export function spoiltPayload(vehicleId: string, sequence: number, random: Random): ProtobufCase {
  const kind = pick(random, kinds);
  const spoilt = pick(random, spoils)(fieldsOf(valid[kind](vehicleId, sequence)), random);
  return { kind, payload: Buffer.isBuffer(spoilt) ? spoilt : Buffer.concat(spoilt.map(encodeField)) };
}
