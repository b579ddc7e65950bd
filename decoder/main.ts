import { once } from 'node:events';
import { Command } from 'commander';
import { addresses } from '../command-line/addresses.ts';
import { count } from '../command-line/numbers.ts';
import { CommandFailure } from '../gateway/command/failure.ts';
import { runCommand } from '../gateway/command/run.ts';
import { KeyRing } from '../gateway/encryption/key-ring.ts';
import { headersOf } from '../gateway/record-batch/header-array.ts';
import { Cluster } from '../record-log/cluster.ts';
import { LogReader } from '../record-log/log-reader.ts';
import { offsetsOf } from '../record-log/offsets.ts';
import type { LogRecord } from '../record-log/record-batch.ts';
import { recordsIn } from '../record-log/records-in.ts';
import { Reporter } from '../record-log/reporter.ts';
import { readConnection } from '../topics/connection.ts';
import { asWritten, DecryptionError, isEncrypted, isReplayNote, RecordDecrypter } from './decrypt-record.ts';

interface Options {
  readonly keys: string;
  readonly masterKeys?: string;
  readonly topic: string;
  readonly writtenFor?: string;
  readonly config?: string;
  readonly kafka?: string[];
  readonly limit?: number;
  readonly allowPlain?: true;
}

const notes = `
Each record is a line of JSON: partition, offset, key, timestamp, headers, value (base64). The figures come last, on
standard error, one line of JSON, and so does each record that could not be opened, without its value.

A plain record is refused like a forged one: who may write to the topic could have put it there. --allow-plain lets such
records pass as they are. Notes of replays, in the topic of dead letters, are plain and no telemetry: they are counted as
notes, and not printed without --allow-plain.

Exit codes: 0 every record was opened, but for notes; 1 not every one, or it failed; 2 unusable arguments or settings.`;

/** Counts of what became of the records. */
interface Figures {
  records: number;
  opened: number;
  plain: number;
  /** Of replays, between dead letters: never encrypted. */
  notes: number;
  failed: Record<string, number>;
}

class Decryption {
  readonly #options: Options;
  readonly #decrypter: RecordDecrypter;
  readonly figures: Figures = { records: 0, opened: 0, plain: 0, notes: 0, failed: {} };

  constructor(options: Options, keys: KeyRing) {
    this.#options = options;
    this.#decrypter = new RecordDecrypter((id) => {
      const key = keys.byId(id);
      return key && ((salt, info) => key.derive(salt, info));
    });
  }

  async take(record: LogRecord): Promise<void> {
    const { topic, writtenFor = topic, allowPlain } = this.#options;
    const { key, value } = record;
    const headers = headersOf(record.headers);
    const received = asWritten({ topic: writtenFor, key, value, headers });
    this.figures.records += 1;
    const isNote = isReplayNote(received);
    if (isNote) this.figures.notes += 1;
    if (isNote || (allowPlain && !isEncrypted(received))) {
      if (!isNote) this.figures.plain += 1;
      if (allowPlain) await print(record, headers, value);
      return;
    }
    try {
      const opened = this.#decrypter.decrypt(received);
      this.figures.opened += 1;
      await print(record, headers, opened);
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      this.figures.failed[error.code] = (this.figures.failed[error.code] ?? 0) + 1;
      const { partition, offset } = record;
      process.stderr.write(`${JSON.stringify({ partition, offset, code: error.code, message: error.message })}\n`);
    }
  }
}

async function print(
  { partition, offset, key, timestampMs: timestamp }: LogRecord,
  headers: readonly (readonly [string, Buffer | null])[],
  value: Buffer | null,
): Promise<void> {
  const texts = headers.map(([name, text]) => [name, text === null ? null : text.toString()]);
  const line = {
    partition,
    offset,
    key: key?.toString() ?? null,
    timestamp,
    headers: texts,
    value: value?.toString('base64') ?? null,
  };
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain');
}

async function decrypt(options: Options): Promise<void> {
  const keys = new KeyRing({ keysFile: options.keys, masterKeysFile: options.masterKeys });
  await keys.read();
  const result = readConnection(options.config, options.kafka);
  if (!result.ok) throw new CommandFailure(result.problems.join('\n'), 2);
  const { brokers, security } = result.connection;
  const cluster = new Cluster(brokers, security);
  const decryption = new Decryption(options, keys);
  try {
    await readAll(cluster, options, decryption);
  } finally {
    await cluster.close();
  }
  const { figures } = decryption;
  process.stderr.write(`${JSON.stringify({ topic: options.topic, ...figures })}\n`);
  if (Object.keys(figures.failed).length > 0) process.exitCode = 1;
}

/** From the beginning of the topic to where it ends now. */
async function readAll(cluster: Cluster, { topic, limit = Number.POSITIVE_INFINITY }: Options, decryption: Decryption) {
  const starts = await offsetsOf(cluster, topic, 'earliest');
  const ends = await offsetsOf(cluster, topic, 'latest');
  const ranges = new Map([...ends].map(([partition, end]) => [partition, { from: starts.get(partition) ?? 0, end }]));
  const reporter = new Reporter('decrypt');
  for await (const batch of new LogReader({ cluster, topic, ranges }).batches()) {
    for (const record of recordsIn(topic, batch)) {
      if (decryption.figures.records >= limit) return;
      await decryption.take(record);
    }
    reporter.progress(() => `${decryption.figures.records} records read`);
  }
}

const program = new Command('npm run decrypt --')
  .description('Opens records that the gateway has encrypted: a topic from its beginning to its end of now.')
  .requiredOption('--keys <file>', 'file of keys')
  .option('--master-keys <file>', 'file of the keys that wrap them')
  .requiredOption('--topic <topic>', 'to read')
  .option('--written-for <topic>', 'the topic that its records were written for, if they are a copy (npm run replay)')
  .option('--config <file>', "the gateway's YAML file: brokers, TLS and login")
  .option('--kafka <host:port,…>', 'brokers (default: 127.0.0.1:9092, or those of --config)', addresses)
  .option('--limit <records>', 'stop after so many', count)
  .option('--allow-plain', 'let records pass that are not encrypted')
  .allowExcessArguments(false)
  .addHelpText('after', notes)
  .action(decrypt);

await runCommand(program, []);
