import { decodeFrame, findFrame, type ReadFrame } from './frame-format.ts';

/** Bytes of a segment that hold no good frame although they once did; `from` = `to` = 0 when a whole file is missing. */
export interface DamagedRange {
  readonly from: number;
  readonly to: number;
  readonly firstFrame: number;
  /** One more than the last frame that is missing; `firstFrame` again where it is not known which ones are. */
  readonly nextFrame: number;
}

export type FrameVisitor = (frame: ReadFrame, at: number) => void;

export interface WalkLimits {
  /** Where its first frame begins. */
  readonly dataAt: number;
  /** Number of that. */
  readonly firstFrame: number;
  /** First frame of the next segment: frames from there on were written again there. Infinite for the last segment. */
  readonly limit: number;
  /** False where the next segment has lost its beginning: with that it may have lost what is missing before `limit`. */
  readonly isLimitSure: boolean;
  /** Frames before this are settled; it does not matter what became of them. */
  readonly settledBelow: number;
  /** Its last write is known not to have been cut short: the disk has lost pages that it had. */
  readonly isWhole: boolean;
}

export interface WalkedSegment {
  /** Where the last good frame ends. */
  readonly end: number;
  readonly nextFrame: number;
  readonly damage: readonly DamagedRange[];
}

/**
 * Visits the good frames of a segment in order and tells damage from a torn tail. Bytes that are no frame are
 *
 * - a torn tail, when they are in the last segment and no frame of a later group is behind them: what the last fsync did
 *   not finish. Nobody was told that it was durable. What is behind the tear belongs to the same group, and is cut off too,
 *   so that nothing is replayed ahead of what its device will send again.
 * - superseded, when all frames before the next segment's first are there: that write failed and was made anew.
 * - damage, in every other case: the frames there were durable, and acknowledged.
 */
export function walkSegment(bytes: Buffer, limits: WalkLimits, visit: FrameVisitor): WalkedSegment {
  const { dataAt, limit, isLimitSure, settledBelow, isWhole } = limits;
  const isLast = limit === Number.POSITIVE_INFINITY;
  const damage: DamagedRange[] = [];
  let next = limits.firstFrame;
  let end = dataAt;
  for (let at = end; at < bytes.length; ) {
    const good = decodeFrame(bytes, at);
    const found = good === undefined ? findFrame(bytes, at) : { at, frame: good };
    if (found === undefined || found.frame.number >= limit || found.frame.number < next) break;
    const { frame } = found;
    if (frame.number > next || found.at > at) {
      const wasDurable = !isLast || isWhole || newestGroup(bytes, found.at) > next;
      if (!wasDurable) break;
      const lost = frame.number > settledBelow && next < frame.number;
      if (lost)
        damage.push({ from: at, to: found.at, firstFrame: Math.max(next, settledBelow), nextFrame: frame.number });
    }
    visit(frame, found.at);
    next = frame.number + 1;
    at = frame.end;
    end = frame.end;
  }
  const isShort = next < limit && (isLimitSure || end < bytes.length);
  if (!isLast && isShort && limit > settledBelow) {
    damage.push({ from: end, to: bytes.length, firstFrame: Math.max(next, settledBelow), nextFrame: limit });
  }
  return { end, nextFrame: next, damage };
}

/** First frame of the newest group of which a good frame is at or behind `from`. */
function newestGroup(bytes: Buffer, from: number): number {
  let newest = 0;
  for (let found = findFrame(bytes, from); found !== undefined; found = findFrame(bytes, found.frame.end)) {
    newest = Math.max(newest, found.frame.groupFirst);
  }
  return newest;
}
