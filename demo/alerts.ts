import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCity } from '../device-simulator/core/city.ts';

/** Half of the fence's width, degrees: about a tenth of the city's area. */
const reachDeg = { latitude: 0.014, longitude: 0.023 };

/** Writes the geofences of the demo: the middle of the city, which vehicles must stay out of. Returns the file. */
export async function writeFences(folder: string): Promise<string> {
  const { centreLatitudeDeg: latitude, centreLongitudeDeg: longitude } = defaultCity;
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
    [-1, -1],
  ] as const;
  const ring = corners.map(([x, y]) => [longitude + x * reachDeg.longitude, latitude + y * reachDeg.latitude]);
  const feature = {
    type: 'Feature',
    id: 'inner-city',
    properties: { kind: 'keep_out', name: 'Inner city', severity: 'info' },
    geometry: { type: 'Polygon', coordinates: [ring] },
  };
  const file = join(folder, 'fences.geojson');
  await writeFile(file, JSON.stringify({ type: 'FeatureCollection', features: [feature] }));
  return file;
}

/** What the gateway's metrics say of alerts, in a line: `alerts: 12 geofence_violation raised, 3 … cleared`. */
export function describeAlerts(metrics: string): string {
  const samples = metrics.matchAll(/^edge_alerts_durable_total\{rule="(\w+)",change="(\w+)"\} (\d+)$/gm);
  const counts = [...samples].flatMap(([, rule, change, count]) =>
    count === '0' ? [] : [`${count} ${rule} ${change}`],
  );
  return `alerts on topic alerts: ${counts.length === 0 ? 'none' : counts.join(', ')}`;
}

/** Asks the gateway. */
export async function readAlerts(adminPort: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal: AbortSignal.timeout(5000) });
  return describeAlerts(await response.text());
}
