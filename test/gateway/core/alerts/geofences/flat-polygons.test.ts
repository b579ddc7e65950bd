import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ring } from '../../../../../gateway/core/alerts/geofences/fence.ts';
import { FlatPolygons } from '../../../../../gateway/core/alerts/geofences/flat-polygons.ts';
import { square } from '../fixture.ts';

const anywhere = fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }));
/** Few coordinates, so that many positions lie on edges or nearly so. */
const aligned = fc.tuple(...[0, 1].map(() => fc.constantFrom(-0.3, -0.1, 0, 0.1, 0.1 + 2 ** -55, 0.2, 0.3, 1 / 3)));
const position = fc.oneof(anywhere, aligned as typeof anywhere);
const ring = fc.array(position, { minLength: 3, maxLength: 8 }).map((corners): Ring => [...corners, corners[0] ?? []]);
const polygons = fc.array(fc.array(ring, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

describe('the quick test of polygons', () => {
  it('answers as the library does, wherever it answers', () => {
    fc.assert(
      fc.property(polygons, position, (all, [x, y]) => {
        const flat = new FlatPolygons(all);
        for (const [index, each] of all.entries()) {
          const answer = flat.test(index, x, y);
          const coordinates = each as unknown as number[][][];
          const exact = booleanPointInPolygon([x, y], { type: 'Polygon', coordinates }) ? 'inside' : 'outside';
          if (answer !== 'undecided') expect(answer).toBe(exact);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves borders and corners to the library, and nothing else nearby', () => {
    const flat = new FlatPolygons(square('a', 'keep_out').polygons);
    const answers = [0, 0.5, 1, 0.5].map((x, i) => flat.test(0, x, [0.5, 0, 1, 0.5][i] as number));
    expect(answers).toEqual(['undecided', 'undecided', 'undecided', 'inside']);
    expect(flat.test(0, 1.000001, 0.5)).toBe('outside');
    expect(flat.test(0, 0.999999, 0.5)).toBe('inside');
  });
});
