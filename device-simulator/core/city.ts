/** A city as a grid of streets, turned against north, around a centre. */
export interface City {
  readonly centreLatitudeDeg: number;
  readonly centreLongitudeDeg: number;
  /** How far the grid is turned, clockwise. */
  readonly rotationDeg: number;
  /** Distance between two parallel streets. */
  readonly blockM: number;
  /** Trips stay within this many blocks of the centre, in both directions. */
  readonly radiusBlocks: number;
  /** Every how many blocks, in both directions, there is a charger. */
  readonly chargerEveryBlocks: number;
}

export const defaultCity: City = {
  centreLatitudeDeg: 52.5163,
  centreLongitudeDeg: 13.3777,
  rotationDeg: 11,
  blockM: 160,
  radiusBlocks: 30,
  chargerEveryBlocks: 6,
};

/** The four directions of a street, clockwise from the grid's north; a right turn adds one. */
export type Direction = 0 | 1 | 2 | 3;

/** Unit vectors of the directions in the grid's own axes (x east, y north). */
export const directionVectors: readonly (readonly [x: number, y: number])[] = [
  [0, 1],
  [1, 0],
  [0, -1],
  [-1, 0],
];

export const turned = (direction: Direction, quarterTurnsRight: number): Direction =>
  ((direction + quarterTurnsRight + 4) & 3) as Direction;

const metresPerDegree = 111_320;

/** From the grid's axes (metres) to latitude and longitude; the flat-earth approximation holds within a city. */
export function toLatitude(city: City, xM: number, yM: number): number {
  const angle = (city.rotationDeg * Math.PI) / 180;
  const northM = yM * Math.cos(angle) - xM * Math.sin(angle);
  return city.centreLatitudeDeg + northM / metresPerDegree;
}

/** The counterpart of `toLatitude`. */
export function toLongitude(city: City, xM: number, yM: number): number {
  const angle = (city.rotationDeg * Math.PI) / 180;
  const eastM = yM * Math.sin(angle) + xM * Math.cos(angle);
  const shrink = Math.cos((city.centreLatitudeDeg * Math.PI) / 180);
  return city.centreLongitudeDeg + eastM / (metresPerDegree * shrink);
}

/** Ground under a point: gentle hills, so that altitude is continuous too. Metres above sea level. */
export const altitudeM = (xM: number, yM: number): number => 38 + 9 * Math.sin(xM / 1900) + 6 * Math.cos(yM / 1400);

/** The node of the charger that is nearest to a node, along one axis. */
export const nearestCharger = (city: City, block: number): number =>
  Math.round(block / city.chargerEveryBlocks) * city.chargerEveryBlocks;
