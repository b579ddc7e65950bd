import type { Fence, Position } from '../gateway/core/alerts/geofences/fence.ts';

/** A rectangle of longitudes and latitudes, in degrees. */
export interface Area {
  readonly west: number;
  readonly south: number;
  readonly width: number;
  readonly height: number;
}

const metresPerDegree = 111_320;
/** Cosine of the latitude of Berlin. */
const widthOfALongitude = 0.61;

/** mulberry32: the same fences and drives at each run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fences of 8 to 40 corners and 100 to 1,000 m radius, strewn over an area; every second one must be stayed out of. */
export function makeFences(count: number, area: Area, random: () => number): Fence[] {
  return Array.from({ length: count }, (_, index) => makeFence(index, area, random));
}

function makeFence(index: number, area: Area, random: () => number): Fence {
  const [x, y] = [area.west + random() * area.width, area.south + random() * area.height];
  const radiusDeg = (100 + random() * 900) / metresPerDegree;
  const corners = 8 + Math.floor(random() * 33);
  const ring: Position[] = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners;
    const radius = radiusDeg * (0.6 + 0.4 * random());
    return [x + (radius * Math.cos(angle)) / widthOfALongitude, y + radius * Math.sin(angle)];
  });
  const kind = index % 2 === 0 ? 'keep_out' : 'keep_in';
  return { id: `fence-${index}`, name: '', kind, severity: 'warning', polygons: [[[...ring, ring[0] as Position]]] };
}

/** The fences as the gateway reads them (RFC 7946). */
export const toGeoJson = (fences: readonly Fence[]): string =>
  JSON.stringify({
    type: 'FeatureCollection',
    features: fences.map(({ id, kind, severity, polygons }) => ({
      type: 'Feature',
      id,
      properties: { kind, severity },
      geometry: { type: 'MultiPolygon', coordinates: polygons },
    })),
  });
