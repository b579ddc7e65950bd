import { createHash } from 'node:crypto';
import { printable } from '../../core/printable.ts';
import type { Actor } from '../tokens/authenticate.ts';

export const auditOutcomes = [
  /** Written and on the disk before a change is made; the record of how it ended has the same request id. */
  'attempted',
  'succeeded',
  /** Nothing was changed: no such device, a body that is not right. */
  'refused',
  /** The gateway, or what it stands on, failed; what was changed is not certain. */
  'failed',
  /** The gateway was stopped before it ended; what was changed is not certain. */
  'unknown',
  /** Whoever asked may not. */
  'denied',
  /** About the file itself. */
  'noted',
] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

export type AuditDetail = Readonly<Record<string, string | number | boolean>>;

/** What happened, before it has its place in the chain. */
export interface AuditEntry {
  readonly requestId: string;
  /** Undefined where nobody knows. */
  readonly actor: Actor | undefined;
  readonly remoteAddress: string;
  /** A stable word: `device.create`. */
  readonly action: string;
  /** What it is about: the id of a device, of a session; where there is none, the request's line. */
  readonly target: string;
  readonly outcome: AuditOutcome;
  /** HTTP status of the answer, where there is one. */
  readonly status?: number;
  readonly detail?: AuditDetail;
}

/** Where a record stands. */
export interface ChainPosition {
  /** Names the file for ever: records of several gateways can be told apart. */
  readonly chain: string;
  /** From 1 on, without gaps. */
  readonly seq: number;
  /** `hash` of the record before it. */
  readonly prev: string;
}

/** A record in its chain, and the line that it is in the file. */
export interface ChainedRecord extends ChainPosition {
  readonly hash: string;
  readonly timeMs: number;
  readonly target: string;
  readonly line: string;
}

/** `prev` of the first record. */
export const noHash = '0'.repeat(64);
const longestText = 256;
/** Of what was checked before: no names of a device's groups are longer. */
const longestDetail = 2_112;

/** SHA-256, in hex. */
export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/**
 * Texts may come from strangers: bounded, well-formed, so that reading a line and writing it again gives the same, and
 * without what ends a line, or moves a cursor, for others than JSON.
 */
const bounded = (text: string, longest = longestText): string => printable(text.slice(0, longest).toWellFormed());

/**
 * Gives an entry its place. `hash` is that of the record without it, so that a change of the last record shows, too; JSON
 * escapes line breaks, so that no text in it can begin a line of its own.
 */
export function chained(entry: AuditEntry, position: ChainPosition, timeMs: number): ChainedRecord {
  const { actor, outcome, status, detail } = entry;
  const target = bounded(entry.target);
  const record = {
    chain: position.chain,
    seq: position.seq,
    time: new Date(timeMs).toISOString(),
    requestId: bounded(entry.requestId),
    actor: actor === undefined ? null : { tokenId: actor.tokenId, name: bounded(actor.name), scope: actor.scope },
    remoteAddress: bounded(entry.remoteAddress),
    action: bounded(entry.action),
    target,
    outcome,
    ...(status === undefined ? {} : { status }),
    ...(detail === undefined ? {} : { detail: boundedDetail(detail) }),
    prev: position.prev,
  };
  const hash = sha256(JSON.stringify(record));
  return { ...position, hash, timeMs, target, line: JSON.stringify({ ...record, hash }) };
}

const boundedDetail = (detail: AuditDetail): AuditDetail =>
  Object.fromEntries(
    Object.entries(detail).map(([key, value]) => [
      key,
      typeof value === 'string' ? bounded(value, longestDetail) : value,
    ]),
  );

/** What of a line the chain is made of; undefined when it is no record, or was changed since it was written. */
export function readChained(
  line: string,
): (ChainPosition & { readonly hash: string; readonly action: string }) | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { hash, ...rest } = parsed as Record<string, unknown>;
  const { chain, seq, prev, action } = rest;
  if (typeof chain !== 'string' || typeof seq !== 'number' || typeof prev !== 'string') return undefined;
  if (typeof action !== 'string' || typeof hash !== 'string') return undefined;
  // Text that says the same in other words (spaces, a key twice) is not what was written.
  const isUnchanged = sha256(JSON.stringify(rest)) === hash && JSON.stringify({ ...rest, hash }) === line;
  return isUnchanged ? { chain, seq, prev, hash, action } : undefined;
}

/** The action of the record that is written when the file was found with a line that is no whole record. */
export const resumedAction = 'audit.resumed';
export const startedAction = 'audit.started';
