import { waitFor } from '../../deploy/local/wait-for.ts';
import type { World } from '../scenario.ts';

/** As in `edge_spool_state`. */
export const spoolStates = { direct: 0, spooling: 1, replaying: 2 } as const;
const stateNames = ['direct', 'spooling', 'replaying'];

export const STATE_DEADLINE_MS = 60_000;
export const REPLAY_DEADLINE_MS = 600_000;

export interface SpoolFigures {
  readonly state: number;
  /** What Kafka has not settled. */
  readonly records: number;
}

export const describeSpool = ({ state, records }: SpoolFigures): string =>
  `${stateNames[state]}, ${records} records in the spool`;

export async function lookAtSpool(world: World): Promise<SpoolFigures> {
  const scrape = await world.gateway.metrics();
  const figure = (name: string): number => scrape.find((sample) => sample.name === name)?.value ?? 0;
  return { state: figure('edge_spool_state'), records: figure('edge_spool_records') };
}

export async function untilSpoolIs(world: World, state: number, deadlineMs: number): Promise<void> {
  await waitFor(async () => (await lookAtSpool(world)).state === state, {
    ...{ deadlineMs, everyMs: 50, what: `the spool to be ${stateNames[state]}` },
  });
}

/** Waits until new records go to the spool; on a slow machine they may have done so before Kafka was gone. */
export async function untilSpoolTakes(world: World): Promise<void> {
  await waitFor(async () => (await lookAtSpool(world)).state !== spoolStates.direct, {
    ...{ deadlineMs: STATE_DEADLINE_MS, everyMs: 50, what: 'the spool to take over' },
  });
}

/** Waits for a state that may pass in a moment: when the spool is direct again, it has been missed, and that is all right. */
export async function spoolReached(world: World, isReached: (spool: SpoolFigures) => boolean): Promise<void> {
  const holds = async (): Promise<boolean> => {
    const figures = await lookAtSpool(world);
    return isReached(figures) || figures.state === spoolStates.direct;
  };
  await waitFor(holds, { deadlineMs: REPLAY_DEADLINE_MS, everyMs: 5, what: 'the replay' });
}

/** Waits until Kafka has settled the whole spool: what was answered out of it is not on Kafka before. */
export async function spoolSettled(world: World): Promise<void> {
  await waitFor(async () => (await lookAtSpool(world)).records === 0, {
    ...{ deadlineMs: STATE_DEADLINE_MS, everyMs: 50, what: 'Kafka to have settled the whole spool' },
  });
}
