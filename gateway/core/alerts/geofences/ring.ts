import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import { quoted } from '../../quoted.ts';
import type { Position, Ring } from './fence.ts';

/** Why `value` is no linear ring of RFC 7946, section 3.1.6, on the earth; undefined when it is one. */
export function ringDefect(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `must be an array of positions, is ${kindOf(value)}`;
  if (value.length < 4) return `has ${value.length} positions; a closed ring has at least 4`;
  for (const [index, position] of value.entries()) {
    const defect = positionDefect(position);
    if (defect !== undefined) return `position ${index} ${defect}`;
  }
  return closureDefect(value) ?? antimeridianDefect(value) ?? areaDefect(value);
}

/** Why a hole does not lie within its outer ring; undefined when it does. */
export function holeDefect(hole: Ring, outer: Ring): string | undefined {
  const polygon = { type: 'Polygon' as const, coordinates: [outer] as unknown as number[][][] };
  for (const [index, position] of hole.entries()) {
    // Even-odd counting would take a hole outside of the outer ring for a part of the fence.
    if (!booleanPointInPolygon([...position], polygon)) return `position ${index} lies outside of the outer ring`;
  }
  return undefined;
}

/** What a JSON value is, in a word or two. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : quoted(value);
}

function positionDefect(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length < 2) return 'must be [longitude, latitude]';
  const [longitude, latitude] = value as unknown[];
  if (!isWithin(longitude, 180)) {
    return `has longitude ${kindOf(longitude)}, not a number from -180 to 180${hintFor(longitude)}`;
  }
  if (!isWithin(latitude, 90)) return `has latitude ${kindOf(latitude)}, not a number from -90 to 90`;
  return undefined;
}

const cutHint = 'cut it there into a MultiPolygon (RFC 7946, section 3.1.9)';
const hintFor = (longitude: unknown) =>
  typeof longitude === 'number' ? `; if the fence crosses the antimeridian, ${cutHint}` : '';

const isWithin = (value: unknown, limit: number) => typeof value === 'number' && value >= -limit && value <= limit;

function closureDefect(ring: readonly Position[]): string | undefined {
  const first = ring[0] as Position;
  const last = ring.at(-1) as Position;
  if (first[0] === last[0] && first[1] === last[1]) return undefined;
  return `is not closed: it begins at [${first[0]}, ${first[1]}] and ends at [${last[0]}, ${last[1]}]`;
}

function antimeridianDefect(ring: readonly Position[]): string | undefined {
  for (let i = 1; i < ring.length; i++) {
    const from = ring[i - 1]?.[0] as number;
    const to = ring[i]?.[0] as number;
    if (Math.abs(to - from) <= 180) continue;
    return `goes from longitude ${from} to ${to} between positions ${i - 1} and ${i}, across the antimeridian; ${cutHint}. An edge that is meant to be that long needs a position on its way`;
  }
  return undefined;
}

function areaDefect(ring: readonly Position[]): string | undefined {
  const [x0, y0] = ring[0] as [number, number];
  let doubled = 0;
  for (let i = 1; i < ring.length; i++) {
    const [x1, y1] = ring[i - 1] as [number, number];
    const [x2, y2] = ring[i] as [number, number];
    doubled += (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  }
  return doubled === 0 ? 'encloses no area' : undefined;
}
