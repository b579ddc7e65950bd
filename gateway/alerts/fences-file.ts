import { readFileSync } from 'node:fs';
import { describeDefect } from '../core/alerts/geofences/defect.ts';
import type { Fence } from '../core/alerts/geofences/fence.ts';
import { type FenceLimits, parseFences } from '../core/alerts/geofences/parse.ts';
import { AlertsError } from './errors.ts';

/**
 * The geofences of a GeoJSON file; none without one. Synchronous: rules are exchanged in one piece between two publishes.
 *
 * @throws {AlertsError} naming every defect, up to 20.
 */
export function readFences(path: string | undefined, limits: FenceLimits): readonly Fence[] {
  if (path === undefined) return [];
  const fences = parseFences(readJson(path), limits);
  if (!('defects' in fences)) return fences;
  const lines = fences.defects.map((defect) => `  ${describeDefect(defect)}`);
  throw new AlertsError('invalid_fences', [`${path} has no usable geofences:`, ...lines].join('\n'));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AlertsError('unreadable_fences', `the geofences in ${path} can't be read: ${reason}`, error);
  }
}
