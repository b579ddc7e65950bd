import type { FenceKind, Severity } from '../alert.ts';

/** Longitude and latitude in degrees, WGS 84 (RFC 7946, section 4); what follows is ignored. */
export type Position = readonly number[];
/** A closed ring: the first position again at its end. */
export type Ring = readonly Position[];
/** The outer ring, then the holes. */
export type Polygon = readonly Ring[];

/** An area that vehicles must stay in or out of. Its border belongs to it, that of a hole too. */
export interface Fence {
  readonly id: string;
  readonly name: string;
  readonly kind: FenceKind;
  readonly severity: Severity;
  readonly polygons: readonly Polygon[];
}
