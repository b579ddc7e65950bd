import { derive } from '../../../gateway/core/alerts/derive.ts';
import type { Rule } from '../../../gateway/core/alerts/rules/rule.ts';
import { VehicleState } from '../../../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../../../gateway/core/event.ts';
import { TestPublish } from '../../gateway/core/fixture.ts';

const bootId = 7;
const reportMs = 500;
const places = [12.5, 13.2, 13.7, 14.5];

/**
 * A drive in which something happens all the time: the battery falls and is charged, fences are crossed, faults come and
 * go, services fall due, and it stops suddenly. Each of these with a period of its own, so that they meet in all ways.
 */
export class EventfulDrive {
  readonly vehicleId: string;
  readonly #number: number;
  readonly #startMs: number;

  constructor(number: number, startMs: number) {
    this.vehicleId = `veh-${number}`;
    this.#number = number;
    this.#startMs = startMs;
  }

  report(sequence: number): object {
    const phase = sequence + this.#number;
    const longitudeDeg = places[Math.floor(phase / 3) % places.length] as number;
    return {
      ...{ vehicleId: this.vehicleId, bootId, sequence },
      eventTimeUs: (this.#startMs + sequence * reportMs) * 1000,
      position: { latitudeDeg: 52.5, longitudeDeg, accuracyM: 3 },
      speedMps: phase % 5 === 4 ? 0 : 16,
      batteryLevel: Math.floor(phase / 4) % 3 === 0 ? 0.125 : Math.floor(phase / 4) % 3 === 1 ? 0.1875 : 0.5,
      odometerM: 1_000_000 + sequence * 700_000,
      faultCodes: phase % 11 < 2 ? ['P0A80'] : [],
      status: 2,
    };
  }

  eventId(sequence: number): string {
    return `${this.vehicleId}/${this.vehicleId}:${bootId}:${sequence}`;
  }

  /** The ids of the alerts that its reports must cause, of all of them up to one, taken in order and once each. */
  alertIds(reports: number, rules: readonly Rule[]): string[] {
    const state = new VehicleState();
    const publish = new TestPublish({ identity: { deviceId: this.vehicleId, kind: 'anonymous', boundTo: '' } });
    return Array.from({ length: reports }, (_, sequence) => {
      const message = this.report(sequence) as { eventTimeUs: number };
      const event: DeviceEvent = {
        ...{ publish, subject: this.vehicleId, key: this.vehicleId, digest: '' },
        ...{ bootId, sequence, timeUs: message.eventTimeUs, message: { ...message } },
      };
      return derive(event, state, rules).map(({ id }) => id);
    }).flat();
  }
}

const square = (id: string, kind: string, west: number) => ({
  ...{ type: 'Feature', id, properties: { kind } },
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [west, 52],
        [west + 1, 52],
        [west + 1, 53],
        [west, 53],
        [west, 52],
      ],
    ],
  },
});

/** Two fences over the way of every such drive. */
export const fences = {
  type: 'FeatureCollection',
  features: [square('yard', 'keep_out', 13), square('zone', 'keep_in', 13.5)],
};
