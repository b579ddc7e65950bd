import { quoted } from '../../quoted.ts';
import type { FenceKind, Severity } from '../alert.ts';
import type { FenceDefect } from './defect.ts';
import type { Fence, Polygon, Ring } from './fence.ts';
import { holeDefect, kindOf, ringDefect } from './ring.ts';

export interface FenceLimits {
  readonly maxFences: number;
  /** Of all rings of a fence: the exact test is linear in them. */
  readonly maxPositionsPerFence: number;
  /** Of all fences: what they take of the memory is linear in them. */
  readonly maxPositions: number;
  /** Of fences that name none. */
  readonly severity: Severity;
}

/** Above this many, one more line would help nobody. */
const maxDefects = 20;
const maxTextLength = 128;
const kinds: readonly unknown[] = ['keep_in', 'keep_out'] satisfies readonly FenceKind[];
const severities: readonly unknown[] = ['info', 'warning', 'critical'] satisfies readonly Severity[];

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads fences from a parsed GeoJSON FeatureCollection (RFC 7946) of polygons and multipolygons. A feature's `id` names
 * the fence for ever; its property `kind` is `keep_in` or `keep_out`; `name` and `severity` are optional. Everything is
 * taken, or nothing and the defects (the first 20) are told.
 */
export function parseFences(value: unknown, limits: FenceLimits): readonly Fence[] | { defects: FenceDefect[] } {
  const features = readCollection(asMembers(value), limits);
  if (typeof features === 'string') return { defects: [{ feature: -1, detail: features }] };
  const defects: FenceDefect[] = [];
  const fences = new Map<string, Fence>();
  let positions = 0;
  for (const [feature, member] of features.entries()) {
    if (defects.length === maxDefects) break;
    const fence = readFeature(asMembers(member), limits);
    if (typeof fence === 'string') defects.push({ feature, detail: fence });
    else if (fences.has(fence.id)) defects.push({ feature, detail: `id ${quoted(fence.id)} is used twice` });
    else fences.set(fence.id, fence);
    if (typeof fence !== 'string') positions += countPositions(fence.polygons);
    if (positions > limits.maxPositions) {
      defects.push({
        feature,
        detail: `with it there are ${positions} positions; at most ${limits.maxPositions} are allowed`,
      });
      break;
    }
  }
  return defects.length > 0 ? { defects } : [...fences.values()];
}

/** The features, or what is wrong with the collection. */
function readCollection(collection: Members | undefined, limits: FenceLimits): readonly unknown[] | string {
  if (collection?.type !== 'FeatureCollection') {
    return `must be a GeoJSON FeatureCollection, has type ${kindOf(collection?.type)}`;
  }
  const { features, crs } = collection;
  if (crs !== undefined && !JSON.stringify(crs).includes('urn:ogc:def:crs:OGC:1.3:CRS84')) {
    return 'has a coordinate reference system (crs) of its own; positions must be WGS 84 (RFC 7946, section 4)';
  }
  if (!Array.isArray(features)) return `features must be an array, is ${kindOf(features)}`;
  if (features.length <= limits.maxFences) return features;
  return `has ${features.length} features; at most ${limits.maxFences} are allowed`;
}

/** The fence, or what is wrong with the feature. */
function readFeature(feature: Members | undefined, limits: FenceLimits): Fence | string {
  if (feature?.type !== 'Feature') return `must be a GeoJSON Feature, has type ${kindOf(feature?.type)}`;
  const id = typeof feature.id === 'number' ? String(feature.id) : feature.id;
  if (!isText(id) || id === '') return `id must be a number or text of 1 to ${maxTextLength} characters`;
  const { kind, name = '', severity = limits.severity } = asMembers(feature.properties) ?? {};
  if (!kinds.includes(kind)) return `properties.kind must be keep_in or keep_out, is ${kindOf(kind)}`;
  if (!isText(name)) return `properties.name must be text of at most ${maxTextLength} characters`;
  if (!severities.includes(severity)) {
    return `properties.severity must be info, warning or critical, is ${kindOf(severity)}`;
  }
  const polygons = readGeometry(asMembers(feature.geometry), limits);
  if (typeof polygons === 'string') return `geometry: ${polygons}`;
  return { id, name, kind: kind as FenceKind, severity: severity as Severity, polygons };
}

function readGeometry(geometry: Members | undefined, limits: FenceLimits): readonly Polygon[] | string {
  const { type, coordinates } = geometry ?? {};
  if (type !== 'Polygon' && type !== 'MultiPolygon') return `must be a Polygon or MultiPolygon, is ${kindOf(type)}`;
  const polygons: unknown = type === 'Polygon' ? [coordinates] : coordinates;
  if (!Array.isArray(polygons) || polygons.length === 0) return 'coordinates must be an array of polygons, not empty';
  // First, because comparing a hole with its outer ring takes time in the product of their lengths.
  const positions = countPositions(polygons);
  if (positions > limits.maxPositionsPerFence) {
    return `has ${positions} positions; at most ${limits.maxPositionsPerFence} are allowed`;
  }
  for (const [index, polygon] of polygons.entries()) {
    const defect = polygonDefect(polygon);
    if (defect !== undefined) return `polygon ${index}${defect}`;
  }
  return polygons as readonly Polygon[];
}

/** Of all rings; what is no ring counts as none. */
function countPositions(polygons: readonly unknown[]): number {
  const rings: unknown[] = polygons.flatMap((polygon) => (Array.isArray(polygon) ? polygon : []));
  return rings.reduce<number>((sum, ring) => sum + (Array.isArray(ring) ? ring.length : 0), 0);
}

function polygonDefect(polygon: unknown): string | undefined {
  if (!Array.isArray(polygon) || polygon.length === 0) return ' must be an array of rings, not empty';
  for (const [index, ring] of polygon.entries()) {
    const what = `, ring ${index}${index === 0 ? '' : ' (a hole)'}: `;
    const defect = ringDefect(ring) ?? (index === 0 ? undefined : holeDefect(ring as Ring, polygon[0] as Ring));
    if (defect !== undefined) return what + defect;
  }
  return undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= maxTextLength;

function asMembers(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}
