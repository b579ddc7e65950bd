import type { Box } from './cell-cache.ts';

/**
 * An area that no border of a fence runs through: whoever is there is in the same fences everywhere. Whose fences, then
 * west, south, east and north in degrees, borders included.
 *
 * Numbers in one array, because a vehicle's is looked at with each report.
 */
export type CalmArea = readonly [owner: number, west: number, south: number, east: number, north: number];

let owners = 0;
/** A number that stands for a set of fences, so that no area keeps an old one alive. */
export function nextOwner(): number {
  owners += 1;
  return owners;
}

export const calmArea = (owner: number, { west, south, east, north }: Box): CalmArea => [
  owner,
  west,
  south,
  east,
  north,
];

/** Whether the area counts for these fences and the position (degrees) is in it. */
export function isCalm(area: CalmArea, owner: number, longitudeDeg: number, latitudeDeg: number): boolean {
  return (
    area[0] === owner &&
    longitudeDeg >= area[1] &&
    longitudeDeg <= area[3] &&
    latitudeDeg >= area[2] &&
    latitudeDeg <= area[4]
  );
}
