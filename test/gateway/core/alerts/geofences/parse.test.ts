import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeDefect } from '../../../../../gateway/core/alerts/geofences/defect.ts';
import { parseFences } from '../../../../../gateway/core/alerts/geofences/parse.ts';

const limits = { maxFences: 100, maxPositionsPerFence: 50, maxPositions: 200, severity: 'warning' } as const;
/** `0 0, 1 0, …`: longitude and latitude of each position. */
const ring = (text: string) => text.split(', ').map((position) => position.split(' ').map(Number));
const box = [ring('10 50, 11 50, 11 51, 10 51, 10 50')];
const feature = (overrides: object = {}) => ({
  ...{ type: 'Feature', id: 'yard', properties: { kind: 'keep_out' } },
  geometry: { type: 'Polygon', coordinates: box },
  ...overrides,
});
const collection = (...features: unknown[]) => ({ type: 'FeatureCollection', features });
const polygon = (coordinates: unknown) => feature({ geometry: { type: 'Polygon', coordinates } });

function defectsOf(value: unknown): string[] {
  const parsed = parseFences(value, limits);
  return 'defects' in parsed ? parsed.defects.map(describeDefect) : [];
}

describe('reading fences from GeoJSON', () => {
  it('takes polygons and multipolygons with holes', () => {
    const hole = ring('10.2 50.2, 10.4 50.2, 10.4 50.4, 10.2 50.2');
    const withHole = [...box, hole];
    const multi = { type: 'MultiPolygon', coordinates: [withHole, box] };
    const properties = { kind: 'keep_in', name: 'Zone', severity: 'critical', other: 1 };
    expect(parseFences(collection(polygon(withHole), feature({ id: 7, geometry: multi, properties })), limits)).toEqual(
      [
        { id: 'yard', name: '', kind: 'keep_out', severity: 'warning', polygons: [withHole] },
        { id: '7', name: 'Zone', kind: 'keep_in', severity: 'critical', polygons: [withHole, box] },
      ],
    );
  });

  it('takes no more positions of all fences together than are allowed', () => {
    const features = (count: number) => Array.from({ length: count }, (_, id) => feature({ id }));
    expect(defectsOf(collection(...features(40)))).toEqual([]);
    expect(defectsOf(collection(...features(42)))).toEqual([
      'features[40]: with it there are 205 positions; at most 200 are allowed',
    ]);
  });

  it('names the feature and what is wrong with it, of several at once', () => {
    const open = [ring('10 50, 11 50, 11 51, 10 51')];
    expect(defectsOf(collection(feature(), polygon(open), feature({ properties: null })))).toEqual([
      'features[1]: geometry: polygon 0, ring 0: is not closed: it begins at [10, 50] and ends at [10, 51]',
      'features[2]: properties.kind must be keep_in or keep_out, is missing',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no collection', feature(), 'must be a GeoJSON FeatureCollection, has type "Feature"'],
    ['nothing', null, 'must be a GeoJSON FeatureCollection, has type missing'],
    ['another reference system', { ...collection(), crs: { type: 'name', properties: { name: 'EPSG:3857' } } }, 'crs'],
    ['too many', collection(...Array.from({ length: 101 }, () => feature())), 'at most 100'],
    ['no feature', collection('x'), 'features[0]: must be a GeoJSON Feature'],
    ['no id', collection(feature({ id: undefined })), 'id must be a number or text'],
    ['an id twice', collection(feature(), feature()), 'features[1]: id "yard" is used twice'],
    ['an unknown severity', collection(feature({ properties: { kind: 'keep_in', severity: 'high' } })), '"high"'],
    ['a point', collection(feature({ geometry: { type: 'Point', coordinates: [1, 2] } })), 'is "Point"'],
    ['no geometry', collection(feature({ geometry: null })), 'must be a Polygon or MultiPolygon, is missing'],
    ['no polygons', collection(feature({ geometry: { type: 'MultiPolygon', coordinates: [] } })), 'not empty'],
    ['a short ring', collection(polygon([box[0]?.slice(0, 3)])), 'has 3 positions; a closed ring has at least 4'],
    ['text as a position', collection(polygon([['a', 'b', 'c', 'd']])), 'position 0 must be [longitude, latitude]'],
    ['swapped axes', collection(polygon([ring('50 100, 51 100, 51 101, 50 100')])), 'has latitude 100'],
    ['a line', collection(polygon([ring('0 0, 1 1, 2 2, 0 0')])), 'encloses no area'],
    [
      'a hole outside',
      collection(polygon([box[0], ring('0 0, 1 0, 1 1, 0 0')])),
      'ring 1 (a hole): position 0 lies outside',
    ],
    [
      'too many positions',
      collection(polygon([Array.from({ length: 51 }, (_, i) => [i % 50, (i % 50) ** 2 / 100])])),
      'at most 50',
    ],
  ])('refuses %s', (_, value, message) => {
    expect(defectsOf(value).join()).toContain(message);
  });

  it('refuses a ring across the antimeridian, and says how to cut it', () => {
    const jump = [ring('179 0, -179 0, -179 1, 179 1, 179 0')];
    const beyond = [ring('179 0, 181 0, 181 1, 179 1, 179 0')];
    expect(defectsOf(collection(polygon(jump)))[0]).toMatch(/from longitude 179 to -179.*antimeridian; cut it there/);
    expect(defectsOf(collection(polygon(beyond)))[0]).toMatch(/longitude 181.*antimeridian, cut it there/);
  });

  it('takes a fence that was cut at the antimeridian', () => {
    const east = [ring('179 0, 180 0, 180 1, 179 1, 179 0')];
    const west = [ring('-180 0, -179 0, -179 1, -180 1, -180 0')];
    const geometry = { type: 'MultiPolygon', coordinates: [east, west] };
    expect(defectsOf(collection(feature({ geometry })))).toEqual([]);
  });

  it('counts positions before it compares holes with outer rings, which would take minutes', () => {
    const long = Array.from({ length: 400_000 }, (_, i) => [Math.cos(i), Math.sin(i)]);
    expect(defectsOf(collection(polygon([long, long])))[0]).toContain('has 800000 positions; at most 50');
  });

  it('tells a bounded number of defects', () => {
    expect(defectsOf(collection(...Array.from({ length: 90 }, () => null)))).toHaveLength(20);
  });

  it('takes or refuses any JSON value', () => {
    const mutilated = fc
      .tuple(fc.jsonValue(), fc.constantFrom('id', 'type', 'geometry', 'properties'))
      .map(([value, member]) => collection(feature({ [member]: value })));
    const nested = fc.jsonValue().map((coordinates) => collection(polygon(coordinates)));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutilated, nested), (value) => {
        const parsed = parseFences(value, limits);
        if ('defects' in parsed) expect(parsed.defects.length).toBeGreaterThan(0);
        else for (const { polygons } of parsed) expect(polygons.length).toBeGreaterThan(0);
      }),
    );
  });
});
