import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFences } from '../../../gateway/alerts/fences-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alert-rules-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const limits = { maxFences: 10, maxPositionsPerFence: 100, maxPositions: 200, severity: 'info' } as const;

const feature = (id: string, properties: object = { kind: 'keep_out' }) => ({
  ...{ type: 'Feature', id, properties },
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [13, 52],
        [14, 52],
        [14, 53],
        [13, 52],
      ],
    ],
  },
});

describe('the file of geofences', () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('gives its fences; without a file there are none', () => {
    const path = write('good.json', JSON.stringify({ type: 'FeatureCollection', features: [feature('a')] }));
    expect(readFences(path, limits)).toMatchObject([{ id: 'a', kind: 'keep_out', severity: 'info' }]);
    expect(readFences(undefined, limits)).toEqual([]);
  });

  it('is refused with all that is wrong with it', () => {
    const features = [feature('a'), feature('a'), feature('b', { kind: 'wall' })];
    const path = write('bad.json', JSON.stringify({ type: 'FeatureCollection', features }));
    expect(() => readFences(path, limits)).toThrow(
      expect.objectContaining({
        code: 'invalid_fences',
        message: expect.stringMatching(
          /bad\.json has no usable geofences:\n {2}features\[1\]: .*\n {2}features\[2\]: /,
        ),
      }),
    );
  });

  it.each([
    ['is no JSON', () => write('text.json', '{"type":')],
    ['is not there', () => join(folder, 'none.json')],
  ])('is refused when it %s', (_, path) => {
    expect(() => readFences(path(), limits)).toThrow(expect.objectContaining({ code: 'unreadable_fences' }));
  });
});
