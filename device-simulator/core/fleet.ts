import { mix32 } from './random.ts';

/** One simulated device and the vehicle or bay that it is bound to. */
export interface Device {
  /** Position in the fleet, 0…: vehicles first, then bays. */
  readonly index: number;
  readonly deviceId: string;
  readonly kind: 'vehicle' | 'bay';
  /** Id of the vehicle or bay that it reports for. */
  readonly boundTo: string;
  /** What the device would draw anew at each power-up; unsigned 32 bits, never 0. */
  readonly bootId: number;
}

export interface FleetOptions {
  readonly vehicles: number;
  readonly bays: number;
  /** Distinguishes this run's events from those of earlier runs on the same topic; unsigned 32 bits. */
  readonly runId: number;
}

/** `veh-000001` for index 0. */
export const vehicleId = (index: number): string => `veh-${String(index + 1).padStart(6, '0')}`;
/** `bay-0001` for index 0. */
export const bayId = (index: number): string => `bay-${String(index + 1).padStart(4, '0')}`;

const bootId = (runId: number, index: number): number => mix32(mix32(runId) ^ (index + 1)) || 1;

/** The devices of a fleet: `vehicles` vehicles and then `bays` bays. Ids depend on the numbers alone, boot ids on the run. */
export function createFleet({ vehicles, bays, runId }: FleetOptions): Device[] {
  const devices: Device[] = [];
  for (let i = 0; i < vehicles + bays; i += 1) {
    const isVehicle = i < vehicles;
    const boundTo = isVehicle ? vehicleId(i) : bayId(i - vehicles);
    devices.push({
      index: i,
      deviceId: `dev-${boundTo}`,
      kind: isVehicle ? 'vehicle' : 'bay',
      boundTo,
      bootId: bootId(runId, i),
    });
  }
  return devices;
}
