import { Command } from 'commander';
import { count, positive } from '../../command-line/numbers.ts';
import { encryptedTopicsOf } from '../../gateway/config/encrypted-topics.ts';
import { eventTopicsOf } from '../../gateway/topic-demands-of.ts';
import { Pacer } from '../../record-log/pacer.ts';
import { RecordWriter } from '../../record-log/record-writer.ts';
import { Reporter, stopSignal } from '../../record-log/reporter.ts';
import { type LetterFilter, matches, withFilter } from '../filter.ts';
import { Judge, registeredCodecs, unregisteredCodecs } from '../judge.ts';
import { LetterTopic } from '../letter-topic.ts';
import { LetterReplay } from '../replay.ts';
import { type LettersChoice, type Source, withLetters, withSource } from './common.ts';

interface ReplayCommandOptions extends LettersChoice, LetterFilter {
  readonly rate: number;
  readonly maxAttempts: number;
  readonly dryRun?: true;
}

const mostRoundLetters = 500;

const notes = `
Letters stay where they are; a note behind them says what became of each. The same command, or another one, goes on where
one was stopped or killed. Run one replay of a topic at a time.

Exit codes: 0 all of them were replayed, whether accepted or rejected again; 1 it failed or was stopped; 2 unusable
arguments or settings. The last line is JSON.`;

/** `dead-letters replay`: once more through the pipeline. */
export const replayCommand = (): Command =>
  withFilter(withLetters(new Command('replay')), Date.now())
    .description('send letters through the pipeline again, as the configuration and the contracts are today')
    .option('--rate <letters>', 'at most so many letters a second', positive, 100)
    .option('--max-attempts <attempts>', 'let letters be that have been rejected so often', count, 3)
    .option('--dry-run', 'say what would be accepted, and write nothing')
    .addHelpText('after', notes)
    .action(replay);

async function replay(options: ReplayCommandOptions): Promise<void> {
  const startedAtMs = performance.now();
  const reporter = new Reporter('dead-letters');
  const stopping = stopSignal();
  const dryRun = options.dryRun ?? false;
  await withSource(options, async (source) => {
    const { config, cluster, deadLetterTopic, open, keys } = source;
    const codecs = dryRun ? unregisteredCodecs(config) : await registeredCodecs(config);
    const topic = await LetterTopic.open(cluster, deadLetterTopic, open);
    const eventTopics = eventTopicsOf(config);
    const writer = dryRun ? undefined : await openWriter(source, eventTopics, reporter);
    try {
      const letters = new LetterReplay({
        cluster,
        topic,
        notes: await topic.notes(),
        judge: new Judge(config, codecs, keys),
        writer,
        eventTopics,
        context: {
          source: config.eventSource,
          tenant: config.eventTenant,
          deadLetterTopic,
          withholdDetails: encryptedTopicsOf(config).has(deadLetterTopic),
        },
        pacer: new Pacer(dryRun ? Number.POSITIVE_INFINITY : options.rate),
        // About a second's worth: what a killed replay must look for.
        roundLetters: Math.min(mostRoundLetters, Math.ceil(options.rate)),
        maxAttempts: options.maxAttempts,
        wanted: (letter) => matches(letter, options),
        stopping,
        reporter,
      });
      const complete = await letters.run();
      const seconds = Math.round(performance.now() - startedAtMs) / 1000;
      console.log(JSON.stringify({ topic: deadLetterTopic, complete, dryRun, ...letters.counts, seconds }));
      if (!complete) {
        reporter.say('stopped; the same command goes on');
        process.exitCode = 1;
      }
    } finally {
      await writer?.close();
    }
  });
}

function openWriter(
  { brokers, security, config, deadLetterTopic }: Source,
  eventTopics: readonly string[],
  reporter: Reporter,
): Promise<RecordWriter> {
  return RecordWriter.open({
    brokers,
    security,
    topics: [...eventTopics, deadLetterTopic],
    perSecond: Number.POSITIVE_INFINITY,
    maxBatchBytes: config.kafka.maxBatchBytes,
    say: (line) => reporter.say(line),
  });
}
