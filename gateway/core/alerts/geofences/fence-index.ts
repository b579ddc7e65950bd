import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import Flatbush from 'flatbush';
import { type CalmArea, calmArea, isCalm, nextOwner } from './calm-area.ts';
import { type Box, type Cell, CellCache, cellsPerDegree, gridBox } from './cell-cache.ts';
import type { Fence } from './fence.ts';
import { FlatPolygons } from './flat-polygons.ts';

/** Polygon of the geometry library, whose types want arrays that may be written to; it only reads them. */
interface IndexedPolygon {
  readonly fence: number;
  readonly geometry: { readonly type: 'MultiPolygon'; readonly coordinates: number[][][][] };
}

/** Of a cell that a border runs through, a quarter of its height and width is looked at for calm, then a sixteenth, and 1/64. */
const [firstParts, partsStep, mostParts] = [4, 4, 64];
/** Beside the border of a polygon with more, looking for calm would cost more than it saves. */
const mostCorners = 256;

/**
 * Which fences a position is in. An R-tree over the boxes of all polygons, packed once, tells which of them reach into the
 * cell of a grid that the position is in; most of these hold all of the cell or nothing of it, which is remembered. Of the
 * others a quick test decides, and the library's exact one where that cannot.
 */
export class FenceIndex {
  readonly fences: readonly Fence[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #polygons: IndexedPolygon[] = [];
  readonly #flat: FlatPolygons;
  readonly #tree: Flatbush | undefined;
  readonly #cells = new CellCache((box) => this.#survey(box));
  readonly #found: number[] = [];
  #count = 0;
  /** That of the last `locate`. */
  #cell: Cell | undefined;
  readonly #point: [number, number] = [0, 0];
  readonly #options = { ignoreBoundary: false };
  readonly #owner = nextOwner();

  constructor(fences: readonly Fence[]) {
    this.fences = fences;
    this.#numbers = new Map(fences.map(({ id }, number) => [id, number]));
    for (const [fence, { polygons }] of fences.entries()) {
      for (const polygon of polygons) {
        // As a multipolygon of one: for a polygon the library makes just that array anew at each test.
        const coordinates = [polygon] as unknown as number[][][][];
        this.#polygons.push({ fence, geometry: { type: 'MultiPolygon', coordinates } });
      }
    }
    this.#flat = new FlatPolygons(fences.flatMap((fence) => fence.polygons));
    this.#tree = this.#polygons.length === 0 ? undefined : packed(this.#flat, this.#polygons.length);
  }

  /** The fence of this id, if there still is one. */
  byId(id: string): Fence | undefined {
    const number = this.#numbers.get(id);
    return number === undefined ? undefined : this.fences[number];
  }

  /** How many fences the position (degrees) is in; `found` tells which, in the order of `fences`, until the next call. */
  locate(longitudeDeg: number, latitudeDeg: number): number {
    const tree = this.#tree;
    this.#count = 0;
    this.#cell = undefined;
    if (tree === undefined || isOutside(tree, longitudeDeg, latitudeDeg)) return 0;
    const cell = this.#cells.at(longitudeDeg, latitudeDeg);
    if (cell === undefined) return this.#locateInCrowd(tree, longitudeDeg, latitudeDeg);
    this.#cell = cell;
    const { whole, crossing } = cell;
    for (let i = 0; i < whole.length; i++) this.#found[i] = whole[i] as number;
    this.#count = whole.length;
    for (let i = 0; i < crossing.length; i++) {
      const polygon = crossing[i] as number;
      if (this.#flat.isInBox(polygon, longitudeDeg, latitudeDeg) && this.#holds(polygon, longitudeDeg, latitudeDeg)) {
        this.#count = insert((this.#polygons[polygon] as IndexedPolygon).fence, this.#found, this.#count);
      }
    }
    return this.#count;
  }

  /** @throws {RangeError} for an index that the last `locate` did not find. */
  found(index: number): Fence {
    const fence = index < this.#count ? this.fences[this.#found[index] as number] : undefined;
    if (fence === undefined) throw new RangeError(`${index} of ${this.#count} fences found`);
    return fence;
  }

  /** Whether the position (degrees) is in an area that this index has called calm. */
  isCalm(area: CalmArea, longitudeDeg: number, latitudeDeg: number): boolean {
    return isCalm(area, this.#owner, longitudeDeg, latitudeDeg);
  }

  /**
   * An area around the position (degrees) of the last `locate` all of which is in the same fences; undefined when a border
   * is near. Worth its time for vehicles, which are seldom far from where they were a moment ago.
   */
  calmAround(longitudeDeg: number, latitudeDeg: number): CalmArea | undefined {
    const cell = this.#cell;
    if (cell === undefined || cell.calm !== undefined) return cell?.calm;
    if (cell.crossing.some((polygon) => this.#flat.cornersOf(polygon) > mostCorners)) return undefined;
    for (let parts = firstParts; parts <= mostParts; parts *= partsStep) {
      const perDegree = cellsPerDegree * parts;
      const column = Math.floor(longitudeDeg * perDegree);
      const box = gridBox(column, Math.floor(latitudeDeg * perDegree), perDegree);
      if (cell.crossing.every((polygon) => this.#isSettled(polygon, box))) return calmArea(this.#owner, box);
    }
    return undefined;
  }

  /** Whether the polygon holds all of the box or nothing of it. */
  #isSettled(polygon: number, box: Box): boolean {
    const { west, south, east, north } = box;
    if (this.#flat.mayCross(polygon, box)) return false;
    const isAllInBox = this.#flat.isInBox(polygon, west, south) && this.#flat.isInBox(polygon, east, north);
    return isAllInBox || !this.#holds(polygon, west, south);
  }

  #locateInCrowd(tree: Flatbush, x: number, y: number): number {
    for (const polygon of tree.search(x, y, x, y)) {
      if (!this.#holds(polygon, x, y)) continue;
      this.#count = insert((this.#polygons[polygon] as IndexedPolygon).fence, this.#found, this.#count);
    }
    return this.#count;
  }

  #survey(cell: Box): Cell {
    const { west, south, east, north } = cell;
    const whole: number[] = [];
    const crossing: number[] = [];
    for (const polygon of this.#tree?.search(west, south, east, north) ?? []) {
      if (!this.#isSettled(polygon, cell)) crossing.push(polygon);
      else if (this.#holds(polygon, west, south)) {
        insert((this.#polygons[polygon] as IndexedPolygon).fence, whole, whole.length);
      }
    }
    return { whole, crossing, calm: crossing.length === 0 ? calmArea(this.#owner, cell) : undefined };
  }

  #holds(polygon: number, x: number, y: number): boolean {
    const answer = this.#flat.test(polygon, x, y);
    if (answer !== 'undecided') return answer === 'inside';
    this.#point[0] = x;
    this.#point[1] = y;
    return booleanPointInPolygon(this.#point, (this.#polygons[polygon] as IndexedPolygon).geometry, this.#options);
  }
}

/**
 * Puts a number into the first `count` of `numbers`, which ascend; once, because a fence is found with each of its polygons
 * that overlap there. Returns how many there are then.
 */
function insert(number: number, numbers: number[], count: number): number {
  let at = count;
  while (at > 0 && (numbers[at - 1] as number) >= number) at -= 1;
  if (at < count && numbers[at] === number) return count;
  for (let i = count; i > at; i--) numbers[i] = numbers[i - 1] as number;
  numbers[at] = number;
  return count + 1;
}

function isOutside(tree: Flatbush, x: number, y: number): boolean {
  return x < tree.minX || x > tree.maxX || y < tree.minY || y > tree.maxY;
}

function packed(flat: FlatPolygons, count: number): Flatbush {
  const tree = new Flatbush(count);
  for (let polygon = 0; polygon < count; polygon++) {
    const { west, south, east, north } = flat.boxOf(polygon);
    tree.add(west, south, east, north);
  }
  tree.finish();
  return tree;
}
