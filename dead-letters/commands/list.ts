import { once } from 'node:events';
import { Command, Option } from 'commander';
import { count } from '../../command-line/numbers.ts';
import { type LetterFilter, matches, withFilter } from '../filter.ts';
import { isReplayable, type Letter, positionOf } from '../letter.ts';
import { LetterTopic } from '../letter-topic.ts';
import type { LetterState } from '../notes.ts';
import { type LettersChoice, withLetters, withSource } from './common.ts';

interface ListOptions extends LettersChoice, LetterFilter {
  readonly state: 'open' | 'replayed' | 'all';
  readonly limit: number;
  readonly json?: true;
}

/** `dead-letters list`: which letters there are. */
export const listCommand = (): Command =>
  withFilter(withLetters(new Command('list')), Date.now())
    .description('show letters, and count them by reason')
    .addOption(
      new Option('--state <state>', 'open: not accepted by a replay yet')
        .choices(['open', 'replayed', 'all'])
        .default('open'),
    )
    .option('--limit <letters>', 'show so many; all are counted', count, 100)
    .option('--json', 'show each as a line of JSON; the figures then go to standard error')
    .action(list);

async function list(options: ListOptions): Promise<void> {
  await withSource(options, async ({ cluster, deadLetterTopic, open }) => {
    const topic = await LetterTopic.open(cluster, deadLetterTopic, open);
    const notes = await topic.notes();
    const reasons = new Map<string, number>();
    let shown = 0;
    let total = 0;
    let unkept = 0;
    if (options.json === undefined) await print(tableHead);
    for await (const letters of topic.letters()) {
      for (const letter of letters) {
        const state = notes.of(positionOf(letter));
        if (!matches(letter, options) || !isIn(options.state, state)) continue;
        total += 1;
        unkept += letter.unkept;
        reasons.set(letter.reason, (reasons.get(letter.reason) ?? 0) + 1);
        if (shown >= options.limit) continue;
        shown += 1;
        await print(options.json === undefined ? tableLine(letter, state) : JSON.stringify(describe(letter, state)));
      }
    }
    const byReason = [...reasons].sort((a, b) => b[1] - a[1]);
    const figures = JSON.stringify({
      topic: deadLetterTopic,
      letters: total,
      shown,
      unkeptPublishes: unkept,
      reasons: Object.fromEntries(byReason),
    });
    if (options.json !== undefined) {
      process.stderr.write(`${figures}\n`);
      return;
    }
    await print('');
    for (const [reason, letters] of byReason) await print(`${String(letters).padStart(10)}  ${reason}`);
    await print(figures);
  });
}

const isIn = (wanted: ListOptions['state'], { accepted }: LetterState): boolean =>
  wanted === 'all' || accepted === (wanted === 'replayed');

async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

const columns = [14, 24, 17, 20, 20, 7, 8] as const;
const widestMessage = 100;

const row = (cells: readonly string[], message: string): string =>
  `${cells.map((cell, index) => cell.padEnd(columns[index] ?? 0)).join('  ')}  ${message}`;

const tableHead = row(['POSITION', 'RECEIVED', 'REASON', 'DEVICE', 'SUBJECT', 'BYTES', 'ATTEMPTS'], 'TOPIC: MESSAGE');

function tableLine(letter: Letter, { attempts, accepted }: LetterState): string {
  const { reason, identity, subject, droppedBytes, payload, record, mqttTopic, message } = letter;
  const bytes = droppedBytes === undefined ? String(payload.length) : `(${droppedBytes})`;
  const tries = accepted ? `${attempts}, done` : String(attempts);
  const received = new Date(letter.receivedAtMs).toISOString();
  const cells = [positionOf(letter), received, reason, identity.deviceId, subject, bytes, tries];
  const text = `${record?.kafkaTopic ?? mqttTopic}: ${message}`;
  return row(cells.map(printable), printable(text.length > widestMessage ? `${text.slice(0, widestMessage)}…` : text));
}

/** Devices choose topics and what messages quote: no control characters for the terminal. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, '·');

function describe(letter: Letter, { attempts, accepted, reason, message }: LetterState) {
  const { identity, record, droppedBytes } = letter;
  return {
    position: positionOf(letter),
    received: new Date(letter.receivedAtMs).toISOString(),
    reason: letter.reason,
    message: letter.message,
    device: identity.deviceId,
    kind: identity.kind,
    boundTo: identity.boundTo,
    subject: letter.subject,
    topic: letter.mqttTopic,
    kafkaTopic: record?.kafkaTopic,
    qos: letter.qos,
    bytes: droppedBytes ?? letter.payload.length,
    replayable: isReplayable(letter),
    unkept: letter.unkept,
    attempts,
    accepted,
    lastReason: reason,
    lastMessage: message,
  };
}
