import { Type } from 'typebox';
import type { RouteSettings } from '../core/route.ts';
import { usualTopic } from './event-topics.ts';
import { integer, section, text } from './schema-parts.ts';

/** Kafka's own rule for topic names (`.` and `..` are refused besides). */
export const kafkaTopic = { pattern: '^[a-zA-Z0-9._-]{1,249}$', rule: '1 to 249 letters, digits, . _ or -' } as const;

const route = section('One way from MQTT topics to a Kafka topic.', {
  pattern: text('MQTT topic with named levels, for example `v1/vehicles/{vehicleId}/telemetry`.', { minLength: 1 }),
  format: Type.Enum(['protobuf', 'raw'], {
    description: '`protobuf`: decoded, validated, written in `valueFormat`. `raw`: the bytes, untouched.',
  }),
  kafkaTopic: text('Kafka topic of its records.', kafkaTopic),
  key: text(
    'Record key: `topic:level` or, for protobuf, `payload:field`; alternatives with `|`, the first that is not empty.',
    { minLength: 1 },
  ),
  deviceKind: Type.Enum(['vehicle', 'bay'], { description: 'Kind of device that may use it.' }),
  subject: text('The named level that holds the id of the vehicle or bay.', { minLength: 1 }),
  eventType: text('CloudEvents type of its records.', { minLength: 1 }),
  contentMode: Type.Optional(
    Type.Enum(['binary', 'structured'], {
      description:
        '`binary` unless given: CloudEvents attributes in headers. `structured`: attributes and data as one JSON object, for consumers who want it; larger and slower.',
    }),
  ),
  message: Type.Optional(text('Protobuf only: full name of the message type.', { minLength: 1 })),
  items: Type.Optional(
    text('Protobuf only: the repeated field with the events, when it is a batch.', { minLength: 1 }),
  ),
  valueFormat: Type.Optional(
    Type.Enum(['avro', 'protobuf'], {
      description:
        "Protobuf only; `avro` unless given. `protobuf`: the device's own bytes as the value, of a batch each item's.",
    }),
  ),
  schema: Type.Optional(
    text(
      "Protobuf only: file of the Avro schema of one event's record, looked up in `schemaPaths`. Not needed with `valueFormat: protobuf`; if given, messages must still fit it.",
      { minLength: 1 },
    ),
  ),
  encrypted: Type.Optional(
    Type.Boolean({
      description:
        'Encrypt the values of its records, see `encryption`; false unless given. All routes to one Kafka topic must agree.',
    }),
  ),
});

/** The settings about routes; `defaults` are those of the core. */
export const routes = (defaults: readonly RouteSettings[]) => ({
  routes: Type.Array(route, {
    default: [...defaults],
    minItems: 1,
    description:
      'Which MQTT topics go where. A list given here replaces the default one. What matches no route is refused.',
  }),
  protoPaths: Type.Array(text('Folder or `.proto` file.', { minLength: 1, holds: 'path' }), {
    default: [],
    description: "Folders or `.proto` files with message types of your own routes; the gateway's own are always known.",
  }),
  schemaPaths: Type.Array(text('Folder.', { minLength: 1, holds: 'path' }), {
    default: [],
    description:
      "Folders in which the Avro schemas of routes are looked up, in this order; the gateway's own comes last.",
  }),
});

export const validation = section('Limits on what devices report.', {
  maxBatchItems: integer(
    'Items of one batch message; a larger one is a dead letter, for its device to send in parts.',
    {
      default: 2000,
      minimum: 1,
      maximum: 100_000,
    },
  ),
  maxClockAheadSeconds: integer('How far an event time may lie ahead of the time of receipt.', {
    default: 300,
    minimum: 0,
    maximum: 31_536_000,
  }),
  maxClockBehindSeconds: integer('How far an event time may lie behind the time of receipt.', {
    default: 2_592_000,
    minimum: 0,
    maximum: 3_153_600_000,
  }),
  absurdClock: Type.Enum(['clamp', 'reject'], {
    default: 'clamp',
    description:
      'An event whose time is further off: `clamp` dates its record with the time of receipt and says so in `ce_timeclamped`; `reject` makes it a dead letter.',
  }),
});

const eventTopic = (what: string) => text(`Of ${what}.`, { default: usualTopic, ...kafkaTopic });

export const eventTopics = section(
  'Kafka topics of the default routes, by type of event: all in one, or each in its own.',
  {
    telemetry: eventTopic('reports of vehicles'),
    battery: eventTopic('battery statuses'),
    diagnostics: eventTopic('diagnostics'),
    incidents: eventTopic('incidents'),
    bays: eventTopic('reports of parking bays'),
  },
);

export const connectivity = section('Records about devices that connect and disconnect, written at best effort.', {
  enabled: Type.Boolean({
    default: false,
    description: 'Write them: two for each connection, so that its consumers should know the type first.',
  }),
  topic: text('Kafka topic of these records.', { default: usualTopic, ...kafkaTopic }),
  maxPerDevicePerMinute: integer(
    'Records of one device per minute, in the long run and at once; further ones are dropped, and counted.',
    { default: 20, minimum: 1, maximum: 100_000 },
  ),
  maxPending: integer('Records under way above which further ones are dropped, and counted.', {
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
  }),
});

export const eventSettings = {
  topicNaming: text(
    'What the names of all topics that the gateway writes to must be like, for example `{domain}.{entity}.{event}[.v{version}]`. Empty: any that Kafka takes.',
    { default: '' },
  ),
  deadLetterTopic: text('Kafka topic for publishes that can never be taken.', {
    default: 'veh.events.raw.dlq',
    ...kafkaTopic,
  }),
  eventSource: text('CloudEvents source of every record: a URI reference.', {
    default: '/edge-ingest-gateway',
    pattern: '^[^\\s]+$',
    rule: 'text without white space',
  }),
  eventTenant: text('Whose vehicles these are: the extension attribute `tenant` of every record. Empty: left out.', {
    default: '',
    pattern: '^[^\\s]{0,128}$',
    rule: 'up to 128 characters without white space',
  }),
};
