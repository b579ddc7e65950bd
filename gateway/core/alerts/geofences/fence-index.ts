import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import Flatbush from 'flatbush';
import type { Fence, Polygon, Position } from './fence.ts';
import { FlatPolygons } from './flat-polygons.ts';

/** Polygon of the geometry library, whose types want arrays that may be written to; it only reads them. */
interface IndexedPolygon {
  readonly fence: number;
  readonly geometry: { readonly type: 'MultiPolygon'; readonly coordinates: number[][][][] };
}

/**
 * Which fences a position is in: an R-tree over the boxes of all polygons, packed once, then a quick test of those whose
 * box holds the position, and the library's exact test where that cannot decide.
 */
export class FenceIndex {
  readonly fences: readonly Fence[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #polygons: IndexedPolygon[] = [];
  readonly #flat: FlatPolygons;
  readonly #tree: Flatbush | undefined;
  readonly #found: number[] = [];
  #count = 0;
  readonly #point: [number, number] = [0, 0];
  readonly #options = { ignoreBoundary: false };
  readonly #test = (polygon: number) => this.#testPolygon(polygon);

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
    const polygons = fences.flatMap((fence) => fence.polygons);
    this.#flat = new FlatPolygons(polygons);
    this.#tree = polygons.length === 0 ? undefined : packed(polygons);
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
    if (tree === undefined || outside(tree, longitudeDeg, latitudeDeg)) return 0;
    this.#point[0] = longitudeDeg;
    this.#point[1] = latitudeDeg;
    // `search` would make an array of results; this test is never content, so the whole tree is asked.
    tree.collides(longitudeDeg, latitudeDeg, longitudeDeg, latitudeDeg, this.#test);
    return this.#count;
  }

  /** @throws {RangeError} for an index that the last `locate` did not find. */
  found(index: number): Fence {
    const fence = index < this.#count ? this.fences[this.#found[index] as number] : undefined;
    if (fence === undefined) throw new RangeError(`${index} of ${this.#count} fences found`);
    return fence;
  }

  #testPolygon(index: number): boolean {
    const answer = this.#flat.test(index, this.#point[0], this.#point[1]);
    if (answer === 'outside') return false;
    const { fence, geometry } = this.#polygons[index] as IndexedPolygon;
    if (answer === 'inside' || booleanPointInPolygon(this.#point, geometry, this.#options)) this.#insert(fence);
    return false;
  }

  /** The tree finds polygons in an order of its own, and a fence once for each of its polygons that overlap there. */
  #insert(fence: number): void {
    let at = this.#count;
    while (at > 0 && (this.#found[at - 1] as number) >= fence) at -= 1;
    if (at < this.#count && this.#found[at] === fence) return;
    for (let i = this.#count; i > at; i--) this.#found[i] = this.#found[i - 1] as number;
    this.#found[at] = fence;
    this.#count += 1;
  }
}

function outside(tree: Flatbush, x: number, y: number): boolean {
  return x < tree.minX || x > tree.maxX || y < tree.minY || y > tree.maxY;
}

function packed(polygons: readonly Polygon[]): Flatbush {
  const tree = new Flatbush(polygons.length);
  for (const [outer] of polygons) {
    const { west, south, east, north } = boxOf(outer as readonly Position[]);
    tree.add(west, south, east, north);
  }
  tree.finish();
  return tree;
}

function boxOf(ring: readonly Position[]) {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (const position of ring) {
    const [x, y] = position as [number, number];
    box.west = Math.min(box.west, x);
    box.south = Math.min(box.south, y);
    box.east = Math.max(box.east, x);
    box.north = Math.max(box.north, y);
  }
  return box;
}
