import { kindOf } from '../geofences/ring.ts';
import { VehicleState } from './vehicle-state.ts';

const format = 'vehicle-alert-states';
/** Raised by whoever changes the fields of a line. */
const version = 1;

/** Why a snapshot cannot be taken; then nothing of it should be. */
export interface SnapshotDefect {
  /** From 1. */
  readonly line: number;
  readonly detail: string;
}

/**
 * States as lines of JSON (without line ends): a header with format and version, one array per vehicle, a trailer with
 * their number, which shows whether the text is whole. In the order of `states`; restored in that order, so hand them
 * over least recently used first. Lazy: a writer may take a few lines at a time, and what it has not taken yet is told
 * as it is then.
 *
 * A state must only be written when the event that it saw last has been settled. A state ahead of Kafka would take that
 * event, when its device sends it again after a crash, for a repeated one, and its alert would be lost.
 */
export function* snapshotLines(states: Iterable<readonly [string, VehicleState]>): Generator<string, void> {
  yield JSON.stringify({ format, version });
  let vehicles = 0;
  for (const [vehicleId, state] of states) {
    vehicles += 1;
    yield JSON.stringify([vehicleId, ...valuesOf(state)]);
  }
  yield JSON.stringify({ vehicles });
}

/**
 * Reads a snapshot back, handing each vehicle to `restore` as its line comes. Returns how many there were, or the first
 * defect: then what was restored is a beginning that may be too old or incomplete.
 */
export function readSnapshot(
  lines: Iterable<string>,
  restore: (vehicleId: string, state: VehicleState) => void,
): number | SnapshotDefect {
  let line = 0;
  let vehicles = -1;
  let whole = false;
  for (const text of lines) {
    line += 1;
    const value = parsed(text);
    if (whole) return { line, detail: 'something follows the trailer' };
    if (vehicles < 0) {
      const detail = headerDefect(value);
      if (detail !== undefined) return { line, detail };
      vehicles = 0;
    } else if (Array.isArray(value)) {
      const state = stateOf(value);
      if (state === undefined) return { line, detail: 'is not the state of a vehicle' };
      restore(value[0] as string, state);
      vehicles += 1;
    } else {
      const told = memberOf(value, 'vehicles');
      if (told !== vehicles) return { line, detail: `${vehicles} vehicles, but the trailer tells ${kindOf(told)}` };
      whole = true;
    }
  }
  return whole ? vehicles : { line: line + 1, detail: 'the trailer is missing: the snapshot is not whole' };
}

function headerDefect(value: unknown): string | undefined {
  if (memberOf(value, 'format') !== format) return `is not the header of ${format}`;
  const found = memberOf(value, 'version');
  return found === version ? undefined : `has version ${kindOf(found)}; this gateway reads version ${version}`;
}

/** The fields of a line behind the vehicle's id, in their order. */
const valuesOf = (state: VehicleState) => [
  state.timeUs,
  state.bootId,
  state.sequence,
  state.batteryLow ? 1 : 0,
  state.speedMps,
  state.speedTimeUs,
  state.peakMps,
  state.peakTimeUs,
  state.odometerM,
  state.faultCodes,
  state.faultTimeUs,
  state.inside,
  state.left,
];

const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11] as const;
const lists = [10, 12, 13] as const;
const fields = 1 + numbers.length + lists.length;

function stateOf(line: readonly unknown[]): VehicleState | undefined {
  if (line.length !== fields || typeof line[0] !== 'string') return undefined;
  if (!numbers.every((at) => typeof line[at] === 'number' && Number.isFinite(line[at]))) return undefined;
  if (!lists.every((at) => isTexts(line[at]))) return undefined;
  const number = (at: (typeof numbers)[number]) => line[at] as number;
  const texts = (at: (typeof lists)[number]) => line[at] as readonly string[];
  const state = new VehicleState();
  state.timeUs = number(1);
  state.bootId = number(2);
  state.sequence = number(3);
  state.batteryLow = number(4) === 1;
  state.speedMps = number(5);
  state.speedTimeUs = number(6);
  state.peakMps = number(7);
  state.peakTimeUs = number(8);
  state.odometerM = number(9);
  state.faultCodes = texts(10);
  state.faultTimeUs = number(11);
  state.inside = texts(12);
  state.left = texts(13);
  return state;
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((text) => typeof text === 'string');

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
