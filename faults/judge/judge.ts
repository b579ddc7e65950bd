import { RegisteredAvro } from '../../device-simulator/verify/registry.ts';
import { ReportReader } from '../content.ts';
import { readLedger } from '../fleet/read-ledger.ts';
import { Account, type TimeSpan } from './account.ts';
import { Judgement, type Verdict } from './judgement.ts';
import { readEvent, readLetter } from './records.ts';
import { type PlacedRecord, TopicReader } from './topic-reader.ts';

export type { TimeSpan } from './account.ts';
export type { VerdictFinding } from './findings.ts';
export { JudgeError } from './judge-error.ts';
export type { Verdict } from './judgement.ts';

export interface JudgeOptions {
  /** `host:port` of Kafka brokers. */
  readonly bootstrap: readonly string[];
  /** Base address of the schema registry's Confluent API. */
  readonly registryUrl: string;
  readonly ledgerFile: string;
  /** Topics that only this fleet has written to. */
  readonly topics: { readonly events: string; readonly deadLetters: string };
  /** Events that were acknowledged in these times are not looked for, because their topic was deleted on purpose. */
  readonly ignore?: readonly TimeSpan[];
  /** Later answers do not count, milliseconds since the epoch: for a fleet that is still at work. */
  readonly untilMs?: number;
  /** Told about once a second how many of the records have been read. */
  readonly onProgress?: (read: number, inAll: number) => void;
}

/**
 * Reads every partition of both topics from its beginning to its present end, with a client that has no part in the
 * gateway, and compares it with the ledger. The fleet may still be at work: then `untilMs` has to be now, because what
 * is answered while the ledger is read may lie behind the ends that the partitions have by then.
 *
 * @throws {JudgeError} when Kafka cannot be read, {LedgerError} when the ledger cannot, {VerifyError} when the registry
 *   does not answer: then there is no verdict
 */
export async function judge({
  bootstrap,
  registryUrl,
  ledgerFile,
  topics,
  ignore = [],
  untilMs,
  onProgress,
}: JudgeOptions): Promise<Verdict> {
  const reader = new TopicReader(bootstrap);
  // The ends before the ledger: whatever lies before them was entered before it was sent.
  const bounds = await reader.bounds([topics.events, topics.deadLetters]);
  const account = new Account(ignore, untilMs);
  await readLedger(ledgerFile, account);
  const judgement = new Judgement(account);
  const registry = new RegisteredAvro(registryUrl);
  const reports = new ReportReader();

  const judgeEvent = (record: PlacedRecord): void => {
    const event = readEvent(record, registry);
    if (event) judgement.observeEvent(event);
    else unreadable(record);
  };
  const judgeLetter = (record: PlacedRecord): void => {
    const letter = readLetter(record, reports);
    if (letter) judgement.observeLetter(letter);
    else unreadable(record);
  };
  const unreadable = ({ topic, partition, message }: PlacedRecord): void =>
    judgement.observeUnreadable(topic, partition, message.offset);

  await reader.read(
    bounds,
    (record) => {
      if (record.topic === topics.deadLetters) {
        judgeLetter(record);
        return undefined;
      }
      const { value } = record.message;
      const missing = value === null ? undefined : registry.missingSchema(value, 0, value.length);
      if (missing !== undefined) return registry.fetch(missing).then(() => judgeEvent(record));
      judgeEvent(record);
      return undefined;
    },
    onProgress,
  );
  return judgement.conclude();
}
