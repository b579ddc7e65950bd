import type { Box } from './cell-cache.ts';
import type { Polygon, Position } from './fence.ts';

/** Bound on the rounding error of a 2 × 2 determinant, relative to the sum of its products (Shewchuk's ccwerrboundA). */
const relativeError = (3 + 16 * 2 ** -53) * 2 ** -53;

export type QuickAnswer = 'inside' | 'outside' | 'undecided';

/**
 * The corners of many polygons in one array. Answers for all positions but those on, or within rounding of, a border or
 * level with a corner, and as the geometry library does: with the same even-odd count of the same determinants. What
 * is undecided must be asked of the library, whose arithmetic is exact; it is slower, because it follows a pointer to
 * each corner.
 */
export class FlatPolygons {
  /** x and y of each position of each ring, one polygon after the other. */
  readonly #corners: Float64Array;
  /** Where each ring begins in `#corners`; one more at the end. */
  readonly #rings: Uint32Array;
  /** Which ring each polygon begins with; one more at the end. */
  readonly #polygons: Uint32Array;
  /** West, south, east and north of the box around the outer ring of each polygon. */
  readonly #boxes: Float64Array;

  constructor(polygons: readonly Polygon[]) {
    const rings = polygons.flat();
    this.#boxes = Float64Array.from(polygons.flatMap(([outer]) => boxOf(outer as readonly Position[])));
    this.#polygons = offsets(polygons.map(({ length }) => length));
    this.#rings = offsets(rings.map(({ length }) => 2 * length));
    this.#corners = new Float64Array(this.#rings.at(-1) ?? 0);
    let at = 0;
    for (const [x, y] of rings.flat() as [number, number][]) {
      this.#corners[at++] = x;
      this.#corners[at++] = y;
    }
  }

  /** The box around the outer ring. */
  boxOf(polygon: number): Box {
    const [west, south, east, north] = this.#boxes.subarray(4 * polygon) as unknown as readonly [
      number,
      number,
      number,
      number,
    ];
    return { west, south, east, north };
  }

  /** How many positions all rings of a polygon have together. */
  cornersOf(polygon: number): number {
    const [first, end] = [this.#polygons[polygon] as number, this.#polygons[polygon + 1] as number];
    return ((this.#rings[end] as number) - (this.#rings[first] as number)) / 2;
  }

  isInBox(polygon: number, x: number, y: number): boolean {
    const boxes = this.#boxes;
    const at = 4 * polygon;
    const isBeside = x < (boxes[at] as number) || x > (boxes[at + 2] as number);
    return !isBeside && y >= (boxes[at + 1] as number) && y <= (boxes[at + 3] as number);
  }

  test(polygon: number, x: number, y: number): QuickAnswer {
    let odd = false;
    const end = this.#polygons[polygon + 1] as number;
    for (let ring = this.#polygons[polygon] as number; ring < end; ring++) {
      const crossings = this.#crossings(ring, x, y);
      if (crossings < 0) return 'undecided';
      odd = odd !== (crossings % 2 === 1);
    }
    return odd ? 'inside' : 'outside';
  }

  /**
   * Whether the border of a polygon may run through a box. If not, the answer is the same for all positions in the box;
   * for those in the box around the polygon, where a hole may lie outside of it.
   */
  mayCross(polygon: number, box: Box): boolean {
    const { west, south, east, north } = box;
    const corners = this.#corners;
    const end = this.#polygons[polygon + 1] as number;
    for (let ring = this.#polygons[polygon] as number; ring < end; ring++) {
      const last = this.#rings[ring + 1] as number;
      let at = this.#rings[ring] as number;
      let x1 = corners[at] as number;
      let y1 = corners[at + 1] as number;
      for (at += 2; at < last; at += 2) {
        const x2 = corners[at] as number;
        const y2 = corners[at + 1] as number;
        const isBeside = (x1 < west && x2 < west) || (x1 > east && x2 > east);
        const isNear = !isBeside && (y1 >= south || y2 >= south) && (y1 <= north || y2 <= north);
        if (isNear && mayLineCross(x1, y1, x2, y2, box)) return true;
        x1 = x2;
        y1 = y2;
      }
    }
    return false;
  }

  /** How many edges of the ring a ray from the position crosses; −1 when rounding might have decided. */
  #crossings(ring: number, x: number, y: number): number {
    const corners = this.#corners;
    const end = this.#rings[ring + 1] as number;
    let at = this.#rings[ring] as number;
    let count = 0;
    let u1 = (corners[at] as number) - x;
    let v1 = (corners[at + 1] as number) - y;
    for (at += 2; at < end; at += 2) {
      const u2 = (corners[at] as number) - x;
      const v2 = (corners[at + 1] as number) - y;
      if (v2 === 0) return -1;
      if (v1 < 0 !== v2 < 0) {
        const left = u2 * v1;
        const right = u1 * v2;
        const determinant = left - right;
        if (Math.abs(determinant) <= relativeError * (Math.abs(left) + Math.abs(right))) return -1;
        if (determinant > 0 === v2 > 0) count += 1;
      }
      u1 = u2;
      v1 = v2;
    }
    return count;
  }
}

/** Whether the line through two corners may run through a box: false only when all of the box lies on one side, for certain. */
function mayLineCross(x1: number, y1: number, x2: number, y2: number, { west, south, east, north }: Box): boolean {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const left = dx * ((south + north) / 2 - y1);
  const right = dy * ((west + east) / 2 - x1);
  const reach = (Math.abs(dx) * (north - south) + Math.abs(dy) * (east - west)) / 2;
  // Far more than rounding can add up to, in the products and in degrees; a line that is nearer than that is taken to cross.
  const doubt = 1e-12 * (Math.abs(left) + Math.abs(right) + reach) + 1e-13 * (Math.abs(dx) + Math.abs(dy));
  return Math.abs(left - right) <= reach + doubt;
}

function boxOf(ring: readonly Position[]): number[] {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const position of ring) {
    const [x, y] = position as [number, number];
    west = Math.min(west, x);
    south = Math.min(south, y);
    east = Math.max(east, x);
    north = Math.max(north, y);
  }
  return [west, south, east, north];
}

function offsets(lengths: readonly number[]): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries()) starts[i + 1] = (starts[i] as number) + length;
  return starts;
}
