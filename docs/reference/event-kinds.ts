import { noteType } from '../../dead-letters/notes.ts';
import type { GatewayConfig } from '../../gateway/config/schema.ts';
import { alertRules } from '../../gateway/core/alerts/alert.ts';
import { alertEventType } from '../../gateway/core/alerts/alert-record.ts';
import { connectivityEventType } from '../../gateway/core/connectivity/connectivity-record.ts';
import { deadLetterType } from '../../gateway/core/dead-letter-encoder.ts';
import type { RouteSettings } from '../../gateway/core/route.ts';
import { code, linkTo } from './markdown.ts';

/** All records of one CloudEvents type in one Kafka topic. */
export interface EventKind {
  /** CloudEvents type. */
  readonly type: string;
  readonly kafkaTopic: string;
  /** The record key, in words. */
  readonly key: string;
  /** What it comes from; each a line of Markdown. */
  readonly origins: readonly string[];
  /** File of the schema of the value; undefined: bytes. */
  readonly schema: string | undefined;
  /** What the value is, where no schema says it. */
  readonly value: string;
}

/** What a gateway with these settings writes. */
export const eventKinds = (config: GatewayConfig): EventKind[] => [
  ...routeKinds(config.routes),
  ...(config.connectivity.enabled ? connectivityKinds(config.connectivity.topic) : []),
  ...(config.alerts.enabled ? alertKinds(config.alerts.topic) : []),
  {
    type: deadLetterType,
    kafkaTopic: config.deadLetterTopic,
    key: 'what the device is bound to; the device itself on an anonymous listener',
    origins: ['any publish that can never be taken'],
    schema: undefined,
    value: "the publish's payload as it was received",
  },
  {
    type: noteType,
    kafkaTopic: config.deadLetterTopic,
    key: "the letter's",
    origins: ['`npm run dead-letters -- replay` ([dead-letters.md](dead-letters.md)): what became of letters'],
    schema: undefined,
    value: 'JSON',
  },
];

function routeKinds(routes: readonly RouteSettings[]): EventKind[] {
  const kinds = Map.groupBy(routes, ({ eventType, kafkaTopic }) => `${eventType} ${kafkaTopic}`);
  return [...kinds.values()].map((same) => {
    const [first] = same as [RouteSettings];
    return {
      type: first.eventType,
      kafkaTopic: first.kafkaTopic,
      key: keyInWords(first.key),
      origins: same.map(originOf),
      schema: first.schema,
      value: first.format === 'raw' ? "the publish's payload as it was received" : 'Protobuf, as the device sent it',
    };
  });
}

const originOf = ({ pattern, message, items }: RouteSettings): string => {
  const of = message === undefined ? 'bytes' : linkTo(message, code(message.slice(message.lastIndexOf('.') + 1)));
  return `${code(pattern)}: ${of}${items === undefined ? '' : ', each of its items'}`;
};

/** `payload:vehicleId|topic:bayId` → `vehicleId` of the payload, else `bayId` of the MQTT topic. */
const keyInWords = (key: string): string =>
  key
    .split('|')
    .map((source) => {
      const [from, name = ''] = source.split(':');
      return `${code(name)} of the ${from === 'topic' ? 'MQTT topic' : 'payload'}`;
    })
    .join(', else ');

const alertKinds = (kafkaTopic: string): EventKind[] =>
  alertRules.map((rule) => ({
    type: alertEventType(rule),
    kafkaTopic,
    key: '`vehicleId` of the event that caused it',
    origins: [`rule ${code(rule)} ([alerts.md](alerts.md)), in the same publish as the event that caused it`],
    schema: 'alert.avsc',
    value: '',
  }));

const connectivityKinds = (kafkaTopic: string): EventKind[] =>
  (['vehicle', 'bay'] as const).map((kind) => ({
    type: connectivityEventType(kind),
    kafkaTopic,
    key: `the ${kind}`,
    origins: ['a device that connects, disconnects, or whose will is published; at best effort, off by default'],
    schema: 'connectivity.avsc',
    value: '',
  }));
