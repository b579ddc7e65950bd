import { randomInt } from 'node:crypto';
import { loadSecrets } from './config/credentials.ts';
import type { SimulatorSettings } from './config/settings.ts';
import { createFleet } from './core/fleet.ts';
import { Ledger } from './core/ledger.ts';
import { faults, finalReport, progressLines, type RunFigures, type Verdict, verdictOf } from './report/report.ts';
import type { Screen } from './report/screen.ts';
import { runFleet } from './run.ts';
import { VerifyError } from './verify/errors.ts';
import { endOffsets } from './verify/topic-reader.ts';
import { verify } from './verify/verify.ts';

export interface SimulationResult {
  readonly verdict: Verdict;
  /** What makes it a failure, in words; empty when it was good. */
  readonly faults: readonly string[];
}

export interface SimulationSignals {
  /** Aborted: send nothing more, wait for what is outstanding, verify. */
  readonly stop: AbortSignal;
  /** Aborted: do not wait for what is outstanding either. */
  readonly abandon: AbortSignal;
}

/**
 * Runs a fleet from its connects to the verdict, with progress and the final table on `screen`.
 *
 * @throws {NoConnectionError} when no device can connect, {VerifyError} when Kafka cannot be read back,
 *   {CredentialsError} when the devices' secrets cannot be loaded
 */
export async function simulate(
  settings: SimulatorSettings,
  screen: Screen,
  { stop, abandon }: SimulationSignals,
): Promise<SimulationResult> {
  // Every run boots its devices anew: an earlier run's events on the same topic are told apart by their boot ids.
  const fleet = createFleet({ ...settings, runId: randomInt(2 ** 32) });
  const secrets = await loadSecrets(settings.secrets, fleet);
  const ledger = new Ledger();
  const startOffsets = settings.verify && (await offsetsBefore(settings.verify.kafka, settings.verify.topics));
  const run = await runFleet({
    settings,
    fleet,
    secrets,
    ledger,
    stop,
    abandon,
    onProgress: (progress) => screen.update(progressLines(progress)),
  });
  screen.keep();
  const verification = settings.verify && (await readBack(settings.verify, ledger, startOffsets, screen));
  const figures: RunFigures = { ...run, verification };
  const found = faults(figures);
  screen.print('', ...finalReport(figures));
  screen.print(found.length === 0 ? 'Verdict: good' : `Verdict: BAD, ${found.join('; ')}`);
  return { verdict: verdictOf(figures), faults: found };
}

/** Before the run a topic may not exist yet: then it is read from its beginning. */
async function offsetsBefore(
  kafka: readonly string[],
  topics: readonly string[],
): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    return await endOffsets(kafka, topics);
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'topic_missing') return undefined;
    throw error;
  }
}

function readBack(
  { kafka, registryUrl, topics }: NonNullable<SimulatorSettings['verify']>,
  ledger: Ledger,
  startOffsets: ReadonlyMap<string, number> | undefined,
  screen: Screen,
) {
  return verify({
    bootstrap: kafka,
    registryUrl,
    topics,
    ...(startOffsets && { startOffsets }),
    ledger,
    onProgress: (read, inAll) => screen.update([`reading Kafka back: ${read} of ${inAll} records`]),
  });
}
