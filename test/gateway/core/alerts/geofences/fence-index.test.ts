import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fence, Ring } from '../../../../../gateway/core/alerts/geofences/fence.ts';
import { FenceIndex } from '../../../../../gateway/core/alerts/geofences/fence-index.ts';
import { square } from '../fixture.ts';

const located = (index: FenceIndex, x: number, y: number) =>
  Array.from({ length: index.locate(x, y) }, (_, i) => index.found(i).id);

/** A coarse grid makes positions on borders and corners likely. */
function scene(step: number) {
  const coordinate = fc.integer({ min: -30, max: 30 }).map((steps) => steps * step);
  const position = fc.tuple(coordinate, coordinate);
  const ring = fc
    .array(position, { minLength: 3, maxLength: 8 })
    .map((corners): Ring => [...corners, corners[0] ?? []]);
  const polygons = fc.array(fc.array(ring, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 });
  const fences = fc
    .array(polygons, { maxLength: 60 })
    .map((all) => all.map((each, i): Fence => ({ ...square(`f${i}`, 'keep_out'), polygons: each })));
  return fc.tuple(fences, fc.array(position, { minLength: 1, maxLength: 20 }));
}

/** Where coordinates are large and differences small. */
const farEast = 179.75;

const scenes = [
  { what: 'fences of many cells', step: 0.1 },
  { what: 'fences of a few cells, with borders and positions on those of cells', step: 1 / 2048 },
  { what: 'many fences in one cell', step: 1 / 2 ** 16 },
];

/** The exact test of every fence, within the box of each outer ring: what lies outside of that, no index finds. */
function bruteForce(all: readonly Fence[], [x, y]: readonly [number, number]): string[] {
  const within = (outer: Ring) => {
    const [xs, ys] = [outer.map(([lon]) => lon as number), outer.map(([, lat]) => lat as number)];
    return x >= Math.min(...xs) && x <= Math.max(...xs) && y >= Math.min(...ys) && y <= Math.max(...ys);
  };
  const isIn = (rings: readonly Ring[]) => {
    const coordinates = rings as unknown as number[][][];
    return within(rings[0] as Ring) && booleanPointInPolygon([x, y], { type: 'Polygon', coordinates });
  };
  return all.filter((fence) => fence.polygons.some(isIn)).map(({ id }) => id);
}

describe('the index of fences', () => {
  it.each(scenes)('finds what the exact test of every fence finds, in the order of the fences: $what', ({ step }) => {
    fc.assert(
      fc.property(scene(step), ([all, positions]) => {
        const index = new FenceIndex(all);
        for (const each of positions) {
          expect(located(index, ...each)).toEqual(bruteForce(all, each));
        }
      }),
    );
  });

  it.each(scenes)('calls calm only where the same fences are found everywhere: $what', ({ step }) => {
    let calm = 0;
    const east = (all: readonly Fence[]): Fence[] =>
      all.map((fence) => ({
        ...fence,
        polygons: fence.polygons.map((rings) =>
          rings.map((ring) => ring.map(([x, y]) => [(x as number) / 16 + farEast, y as number])),
        ),
      }));
    fc.assert(
      fc.property(
        fc
          .tuple(scene(step), fc.boolean())
          .map(([[all, positions], isEast]) =>
            isEast
              ? ([east(all), positions.map(([x, y]) => [x / 16 + farEast, y] as const)] as const)
              : ([all, positions] as const),
          ),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 8,
          maxLength: 8,
        }),
        ([all, positions], parts) => {
          const index = new FenceIndex(all);
          for (const [x, y] of positions) {
            const here = located(index, x, y);
            const area = index.calmAround(x, y);
            if (area === undefined) continue;
            calm += 1;
            const [, west, south, east, north] = area;
            expect(index.isCalm(area, x, y)).toBe(true);
            expect(new FenceIndex(all).isCalm(area, x, y)).toBe(false);
            for (const [across, up] of [...parts, [0, 0], [0, 1], [1, 0], [1, 1]] as const) {
              const there = [west + across * (east - west), south + up * (north - south)] as const;
              expect(bruteForce(all, there)).toEqual(here);
            }
          }
        },
      ),
    );
    expect(calm).toBeGreaterThan(0);
  });

  it('takes a border for inside, also that of a hole, and a hole for outside', () => {
    const hole: Ring = [
      [0.4, 0.4],
      [0.6, 0.4],
      [0.6, 0.6],
      [0.4, 0.6],
      [0.4, 0.4],
    ];
    const fence = square('ring', 'keep_out');
    const index = new FenceIndex([{ ...fence, polygons: [[...(fence.polygons[0] ?? []), hole]] }]);
    const found = ([x, y]: readonly [number, number]) => index.locate(x, y) === 1;
    expect([[0, 0.5] as const, [1, 1] as const, [0.4, 0.5] as const, [0.2, 0.2] as const].map(found)).not.toContain(
      false,
    );
    expect([[0.5, 0.5] as const, [1.1, 0.5] as const].map(found)).not.toContain(true);
  });

  it('finds a fence of several polygons once', () => {
    const [one, other] = [square('a', 'keep_out', 0), square('a', 'keep_out', 1)];
    const index = new FenceIndex([{ ...one, polygons: [...one.polygons, ...other.polygons] }]);
    expect([0.5, 1, 1.5].map((x) => located(index, x, 0.5))).toEqual([['a'], ['a'], ['a']]);
  });

  it('finds all of more fences than it remembers of one cell', () => {
    const crowd = Array.from({ length: 100 }, (_, i) => square(`f${i}`, 'keep_in'));
    const index = new FenceIndex(crowd);
    const all = crowd.map(({ id }) => id);
    expect([located(index, 0.5, 0.5), located(index, 0.5, 0.5)]).toEqual([all, all]);
  });

  it('finds nothing without fences, and refuses to tell what it did not find', () => {
    const index = new FenceIndex([]);
    expect(index.locate(0, 0)).toBe(0);
    expect(() => index.found(0)).toThrow(RangeError);
  });
});
