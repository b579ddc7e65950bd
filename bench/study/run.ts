import type { TestBed } from './bed.ts';
import type { Journal } from './journal.ts';
import { keys, type Take } from './keys.ts';
import type { Measured } from './measured.ts';
import type { StudyOptions, StudyPart } from './parts.ts';
import {
  byServer,
  factors,
  pacedInFlight,
  quotientCases,
  rates,
  saturation,
  spoolCases,
  studyConnections,
} from './plan.ts';
import { ServedLoad, type Step } from './served-load.ts';

/** What a study needs; the bed is made when the first measurement asks for it, so that a complete journal needs none. */
export interface StudyRun {
  readonly options: StudyOptions;
  readonly journal: Journal;
  readonly bed: () => Promise<TestBed>;
  readonly onLog: (line: string) => void;
}

/** Measures what the journal does not have yet. Progress goes to `onLog`. Throws when something can't be measured. */
export const runStudy = async (run: StudyRun): Promise<void> => {
  for (let round = 1; round <= run.options.rounds; round++) {
    for (const part of run.options.parts) await studies[part](run, { seconds: run.options.seconds, round });
  }
};

/**
 * Saturates brokers that have just started, for as long as their Java machines compile. Measured cold, the same load at
 * 10,000/s waited several times as long for its PUBACKs.
 */
export const warmBrokers = async (bed: TestBed, seconds: number): Promise<void> => {
  bed.place('shared');
  await using server = await bed.gateway();
  await using load = new ServedLoad({ bed, server });
  await load.connect(saturation.connections, saturation.inFlight);
  await load.take([], { seconds: 0, warmUpSeconds: seconds });
};

/** At most this many publishes wait for their PUBACK at a rate. */
const studyInFlight = pacedInFlight(rates[0] as number, studyConnections);

/** To PUBACK alone, and then to a consumer, which takes a share of the brokers and of the machine for itself. */
const latency = async (run: StudyRun, take: Take): Promise<void> => {
  const alone = rates.map((rate) => ({ key: keys.latency(rate, 'no consumer', take), rate }));
  await measure(run, 'shared', alone, async (bed, missing) => {
    await using server = await bed.gateway();
    await using load = new ServedLoad({ bed, server });
    await load.connect(studyConnections, studyInFlight);
    return await load.take(missing, run.options);
  });
  const consumed = rates.map((rate) => ({ key: keys.latency(rate, 'one consumer', take), rate }));
  await measure(run, 'shared', consumed, async (bed, missing) => {
    await using server = await bed.gateway();
    await using consumer = await bed.consumer();
    await using load = new ServedLoad({ bed, server, consumer });
    await load.connect(studyConnections, studyInFlight);
    return await load.take(missing, run.options);
  });
};

const studyFactors = async (run: StudyRun, take: Take): Promise<void> => {
  for (const factor of factors) {
    for (const value of factor.values) {
      const kafka = { [factor.setting]: value };
      const paced = { key: keys.factor(factor, value, 'paced', take), rate: rates[0] };
      const saturated = { key: keys.factor(factor, value, 'saturated', take), rate: undefined };
      await measure(run, 'shared', [paced, saturated], async (bed, missing) => {
        await using server = await bed.gateway(undefined, kafka);
        const taken: Measured[] = [];
        for (const step of missing) {
          await using load = new ServedLoad({ bed, server });
          if (step.rate === undefined) await load.connect(saturation.connections, saturation.inFlight);
          else await load.connect(studyConnections, studyInFlight);
          taken.push(...(await load.take([step], run.options)));
        }
        return taken;
      });
    }
  }
};

const quotient = async (run: StudyRun, take: Take): Promise<void> => {
  const groups = byServer(quotientCases(run.options.grid));
  for (const group of groups) {
    const { connections, partitions } = group[0] as (typeof group)[number];
    const inFlight = pacedInFlight(rates[0] as number, connections);
    const ofLimit = group.map((each) => ({ key: keys.limit(each, take), rate: each.rate }));
    await measure(run, 'apart', ofLimit, async (bed, missing) => {
      await using server = await bed.limit();
      await using load = new ServedLoad({ bed, server, partitions: 0 });
      await load.connect(connections, inFlight);
      return await load.take(missing, run.options);
    });
    const ofGateway = group.map((each) => ({ key: keys.gateway(each, take), rate: each.rate }));
    await measure(run, 'apart', ofGateway, async (bed, missing) => {
      await using server = await bed.gateway(partitions);
      await using load = new ServedLoad({ bed, server, partitions });
      await load.connect(connections, inFlight);
      return await load.take(missing, run.options);
    });
  }
};

const throughput = async (run: StudyRun, take: Take): Promise<void> => {
  const step = { key: keys.throughput(take), rate: undefined };
  await measure(run, 'shared', [step], async (bed, missing) => {
    await using server = await bed.gateway();
    await using load = new ServedLoad({ bed, server });
    await load.connect(saturation.connections, saturation.inFlight);
    return await load.take(missing, run.options);
  });
};

/** As saturated as `throughput`, each time with a spool that is empty at first. */
const spool = async (run: StudyRun, take: Take): Promise<void> => {
  for (const how of spoolCases) {
    const step = { key: keys.spool(how, take), rate: undefined };
    await measure(run, 'shared', [step], async (bed, missing) => {
      await using server = await bed.spoolingGateway();
      await using load = new ServedLoad({ bed, server, spool: how });
      await load.connect(saturation.connections, saturation.inFlight);
      return await load.take(missing, run.options);
    });
  }
};

const studies: Record<StudyPart, (run: StudyRun, take: Take) => Promise<void>> = {
  latency,
  factors: studyFactors,
  quotient,
  throughput,
  spool,
};

/** Has those of `steps` taken that the journal does not have, in their order, and keeps what they gave. */
const measure = async (
  { journal, bed: openBed, onLog }: StudyRun,
  place: 'apart' | 'shared',
  steps: readonly Step[],
  taken: (bed: TestBed, missing: readonly Step[]) => Promise<readonly Measured[]>,
): Promise<void> => {
  const missing = steps.filter(({ key }) => !journal.has(key));
  if (missing.length === 0) return;
  const bed = await openBed();
  bed.place(place);
  const results = await taken(bed, missing);
  for (const [index, { key }] of missing.entries()) {
    const measured = results[index] as Measured;
    await journal.put(key, measured);
    onLog(`${key}: ${summary(measured)}`);
  }
};

const summary = ({ figures, puback, consumer, problems }: Measured): string =>
  [
    `${figures.cpuUsPerMessage.toFixed(1)} µs CPU`,
    `${Math.round(figures.ackedPerSecond)} acknowledged/s`,
    `PUBACK p50 ${puback.p50Ms} p99 ${puback.p99Ms} ms`,
    ...(consumer === undefined ? [] : [`end to end p50 ${consumer.latency.p50Ms} p95 ${consumer.latency.p95Ms} ms`]),
    ...problems,
  ].join(', ');
