import { Command, InvalidArgumentError } from 'commander';
import { CommandFailure } from '../../gateway/command/failure.ts';
import { RouteTable } from '../../gateway/core/route-table.ts';
import { hexDump } from '../hex-dump.ts';
import { unregisteredCodecs } from '../judge.ts';
import { isReplayable, type Letter, positionOf } from '../letter.ts';
import { LetterTopic } from '../letter-topic.ts';
import { type LettersChoice, type Source, withLetters, withSource } from './common.ts';
import { printable } from './list.ts';

interface Position {
  readonly partition: number;
  readonly offset: number;
}

/** `dead-letters show`: everything about one letter. */
export const showCommand = (): Command =>
  withLetters(new Command('show'))
    .description('show everything about one letter: headers, bytes, and what they mean by the contracts of today')
    .argument('<partition:offset>', 'where it lies, as list says', position)
    .action(show);

function position(text: string): Position {
  const [, partition, offset] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (partition === undefined || offset === undefined) throw new InvalidArgumentError('It must be PARTITION:OFFSET.');
  return { partition: Number(partition), offset: Number(offset) };
}

async function show(at: Position, options: LettersChoice): Promise<void> {
  await withSource(options, async (source) => {
    const topic = await LetterTopic.open(source.cluster, source.deadLetterTopic, source.open);
    const letter = await topic.letterAt(at.partition, at.offset);
    if (letter === undefined) {
      throw new CommandFailure(`there is no letter at ${positionOf(at)} of ${source.deadLetterTopic}`);
    }
    const state = (await topic.notes()).of(positionOf(at));
    const lines = [
      `position   ${positionOf(letter)} of ${source.deadLetterTopic}`,
      `reason     ${letter.reason}: ${printable(letter.message)}`,
      `received   ${new Date(letter.receivedAtMs).toISOString()}`,
      `attempts   ${state.attempts}${state.accepted ? ', accepted' : ''}${lastFailure(state)}`,
      `replay     ${isReplayable(letter) ? 'possible' : `impossible: ${letter.sealed ?? 'the letter does not hold all of the publish'}`}`,
      '',
      'headers',
      ...letter.headers.map(
        ([key, value]) => `  ${printable(key)}: ${value === null ? '(null)' : printable(String(value))}`,
      ),
      '',
      `payload, ${letter.payload.length} bytes${letter.sealed === undefined ? '' : ', encrypted'}${letter.droppedBytes === undefined ? '' : ` of ${letter.droppedBytes}`}`,
      ...hexDump(letter.payload),
      '',
      ...meaningOf(letter, source),
    ];
    for (const line of lines) console.log(line);
  });
}

const lastFailure = ({ reason, message }: { reason: string | undefined; message: string | undefined }): string =>
  reason === undefined ? '' : `, at last ${reason}: ${printable(message ?? '')}`;

/** What the decoder of the topic's route makes of the payload. */
function meaningOf(letter: Letter, { config }: Source): string[] {
  if (letter.sealed !== undefined) return ['its keys are needed to say more'];
  if (letter.record !== undefined) return [`a record for ${letter.record.kafkaTopic}, encoded already`];
  const match = new RouteTable(config.routes).match(letter.mqttTopic);
  if (match === undefined) return ['the topic matches no route of today'];
  const { settings } = match.route;
  const codec = unregisteredCodecs(config).get(settings.pattern);
  if (codec === undefined) return [`route ${settings.pattern} takes the bytes as they are`];
  const decoded = codec.decoder.decode(letter.payload);
  if ('reason' in decoded) return [`as ${settings.message}: ${decoded.reason}: ${printable(decoded.detail)}`];
  return [
    `as ${settings.message}`,
    ...decoded.flatMap((message) => JSON.stringify(message, asJson, 2).split('\n').map(printable)),
  ];
}

/** Bytes and numbers beyond JSON's. */
const asJson = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
