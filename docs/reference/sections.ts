import type { RecordSchema } from '../../gateway/core/codec.ts';
import {
  alertHeaders,
  commonHeaders,
  eventHeaders,
  type HeaderMeaning,
  letterHeaders,
  noteHeaders,
  refusedRecordHeaders,
  sealedHeaders,
} from '../../gateway/core/headers/record-headers.ts';
import { rejectionReasons } from '../../gateway/core/outcome.ts';
import { rejectionGuide } from '../../gateway/core/rejection-guide.ts';
import { reasonName, reasonOfRejection } from '../../gateway/mqtt/reason-codes.ts';
import { topicSettings } from '../../topics/settings.ts';
import type { WantedTopic } from '../../topics/wanted.ts';
import { describeAvro } from './avro.ts';
import type { EventKind } from './event-kinds.ts';
import { anchorOf, code, linkTo, markdownTable, page } from './markdown.ts';
import { describeProtos } from './proto.ts';

/** The topics of the file, what is written to each, and how it is kept. */
export function topicsSection(
  topics: readonly WantedTopic[],
  kinds: readonly EventKind[],
  written: readonly string[],
): string {
  const rows = topics.map((topic) => [
    code(topic.name),
    topic.purpose,
    topic.owner,
    written.includes(topic.name) ? eventsIn(topic.name, kinds) : 'not by the gateway',
    String(topic.partitions),
    shown(topic, 'retention'),
    shown(topic, 'cleanup'),
  ]);
  const settings = markdownTable(
    ['Topic', 'Purpose', 'Owner', 'Written by the gateway', 'Partitions', 'Retention', 'Cleanup'],
    rows,
  );
  return page(
    '## Kafka topics',
    'From [schemas/topics.yaml](../schemas/topics.yaml), which has replication, batch sizes and the rest, too ' +
      '([topics.md](topics.md)). Retention counts from the record timestamp, which is the event time.',
    settings,
  );
}

const eventsIn = (topic: string, kinds: readonly EventKind[]): string => {
  const types = kinds.filter(({ kafkaTopic }) => kafkaTopic === topic).map(({ type }) => code(type));
  return types.length === 0 ? 'yes' : types.join(', ');
};

function shown({ settings }: WantedTopic, field: string): string {
  const setting = topicSettings.find((each) => each.field === field);
  const value = setting === undefined ? undefined : settings.get(setting.kafkaName);
  return value === undefined ? "the brokers' default" : (setting?.show(value) ?? value);
}

/** One table for all types of events. */
export function eventsSection(kinds: readonly EventKind[], recordNames: ReadonlyMap<string, string>): string {
  const rows = kinds.map(({ type, kafkaTopic, key, origins, schema, value }) => {
    const name = schema === undefined ? undefined : recordNames.get(schema);
    const content = name === undefined ? value : linkTo(name, code(shortName(name)));
    return [code(type), code(kafkaTopic), key, content, origins.join('<br>')];
  });
  return page(
    '## Events',
    'One row per CloudEvents type (`ce_type`). Values with a schema are in the wire format of the registry: for ' +
      'Confluent `0x00` and the 4-byte id of the schema, for Glue its own header; then the Avro body.',
    markdownTable(['Type', 'Kafka topic', 'Key', 'Value', 'Comes from'], rows),
  );
}

const shortName = (fullName: string): string => fullName.slice(fullName.lastIndexOf('.') + 1);

type HeaderTable = Readonly<Record<string, HeaderMeaning>>;

const headerTable = (headers: HeaderTable): string =>
  markdownTable(
    ['Header', 'When', 'Value'],
    Object.entries(headers).map(([name, { when = 'always', meaning }]) => [code(name), when, meaning]),
  );

/** What stands in the headers of records, by kind. */
export const headersSection = (): string =>
  page(
    '## Headers',
    'CloudEvents 1.0 in the binary content mode of its Kafka protocol binding: `ce_` and the name of the attribute, ' +
      'UTF-8. Of what a device sent, texts in dead letters are cut at 256 bytes. On a route with `contentMode: structured` ' +
      'the headers are the same but for `content-type`, and the value is a CloudEvent as JSON ([events.md](events.md)).',
    '### Every record',
    headerTable(commonHeaders),
    '### Records of events, besides',
    headerTable(eventHeaders),
    '### Alerts, besides',
    headerTable(alertHeaders),
    '### Dead letters, besides',
    headerTable(letterHeaders),
    '### Dead letters of records that Kafka refused after they had been in the spool, besides',
    headerTable(refusedRecordHeaders),
    '### Notes of replays, besides',
    headerTable(noteHeaders),
    '### Records whose value is encrypted, besides',
    'See [encryption.md](encryption.md): the value then is ciphertext and tag, and the other headers are about what is in it.',
    headerTable(sealedHeaders),
  );

/** Every schema that the gateway registers, field by field. */
export function schemasSection(schemas: readonly RecordSchema[]): string {
  const byDefinition = Map.groupBy(
    schemas.filter(({ type }) => type === 'AVRO'),
    ({ definition }) => definition,
  );
  const parts = [...byDefinition].flatMap(([definition, registered]) => {
    const { fullName, doc, fields } = describeAvro(definition);
    const subjects = registered.map(({ subject }) => code(subject)).join(', ');
    return [`### ${code(fullName)}`, `${doc} Subject${registered.length > 1 ? 's' : ''} ${subjects}.`, fields];
  });
  return page(
    '## Schemas of values',
    'Avro, from [schemas/](../schemas). Names of subjects are `{topic}-{full name}` (TopicRecordNameStrategy). A field ' +
      'with a default may be missing in older records: readers then see the default.',
    ...parts,
  );
}

/** The device contract, for whoever wants to know where a field comes from. */
export const messagesSection = (protos: string): string =>
  page(
    '## What devices send',
    'Protobuf, from [proto/](../proto). `optional` fields and messages may be absent; the others have their default then.',
    ...describeProtos(protos).flatMap(({ fullName, comment, table }) =>
      [`### ${code(fullName)}`, comment, table].filter((part) => part !== ''),
    ),
  );

/** Why publishes are refused, what their devices are told, and what helps. */
export function reasonsSection(): string {
  const rows = rejectionReasons.map((reason) => {
    const answer = reasonOfRejection[reason];
    const { meaning, remedy } = rejectionGuide[reason];
    return [code(reason), meaning, `0x${answer.toString(16)} ${reasonName(answer)}`, remedy];
  });
  return page(
    '## Rejection reasons',
    'A publish that can never be taken becomes a dead letter with one of these in `dlq_reason`; then its device is ' +
      'answered: in MQTT 5 with the reason code, in MQTT 3.1.1, which has none, with a plain PUBACK. `replay` means ' +
      '`npm run dead-letters -- replay`.',
    markdownTable(['Reason', 'Meaning', 'MQTT 5', 'What to do'], rows),
  );
}

/** Links to the sections of a page. */
export const contents = (sections: readonly string[]): string =>
  sections
    .flatMap((section) => section.match(/^## .*$/m) ?? [])
    .map((heading) => heading.slice('## '.length))
    .map((title) => `- [${title}](${anchorOf(title)})`)
    .join('\n');
