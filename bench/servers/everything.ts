import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFences, seeded, toGeoJson } from '../fences.ts';
import { loadArea } from '../load/fleet.ts';

export const alertTopic = 'alerts';
export const connectivityTopic = 'vehicles.connectivity';
export const fenceCount = 10_000;

const fencesFile = 'fences.geojson';

/** Writes the fences among which the vehicles of the load drive. */
export const writeFences = (folder: string): Promise<void> =>
  writeFile(join(folder, fencesFile), toGeoJson(makeFences(fenceCount, loadArea, seeded(fenceCount))));

/**
 * Settings of a gateway that does everything: five rules of alerts with their state on disk, connectivity events, a tenant;
 * duplicates are dropped and absurd clocks clamped, as by default. The state is a new one each time.
 */
export const everythingOn = async (folder: string) => ({
  eventTenant: 'bench',
  duplicates: { enabled: true },
  validation: { absurdClock: 'clamp' },
  connectivity: { enabled: true, topic: connectivityTopic },
  alerts: {
    enabled: true,
    topic: alertTopic,
    geofences: { path: join(folder, fencesFile) },
    state: { directory: await mkdtemp(join(folder, 'alerts-')) },
  },
});
