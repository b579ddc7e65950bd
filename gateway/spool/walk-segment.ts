import { decodeFrame, findFrame, type ReadFrame } from './frame-format.ts';
import type { ByteRange } from './read-around.ts';

/** Bytes of a segment that hold no good frame although they once did; `from` = `to` = 0 when a whole file is missing. */
export interface DamagedRange {
  readonly from: number;
  readonly to: number;
  readonly firstFrame: number;
  /** One more than the last frame that is missing; `firstFrame` again where it is not known which ones are. */
  readonly nextFrame: number;
  /** More may be missing behind that: it is the end of all that is there, and nobody knows where the frames ended. */
  readonly isOpen?: true;
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
  /** There is a later file, whether it can be read or not: the last write to this one was finished, or made anew there. */
  readonly isFinished: boolean;
  /** What the disk has lost of it: it was there once, and is no tear. */
  readonly lost: readonly ByteRange[];
}

export interface WalkedSegment {
  /** Where the last good frame ends. */
  readonly end: number;
  readonly nextFrame: number;
  readonly damage: readonly DamagedRange[];
  /** There are bytes before `end` that are no good frame, settled or not: only what is behind them proves that they were. */
  readonly hasGap: boolean;
  /** Bytes behind `end` that are a torn tail. */
  readonly tornBytes: number;
}

/**
 * Visits the good frames of a segment in order and tells damage from a torn tail. Bytes that are no frame are
 *
 * - a torn tail, when they are in the last file, the disk has lost nothing of them, and no frame of a later group is
 *   behind them: what the last fsync did not finish. Nobody was told that it was durable. What is behind the tear belongs to the same group, and is cut off too,
 *   so that nothing is replayed ahead of what its device will send again.
 * - superseded, when all frames before the next segment's first are there: that write failed and was made anew.
 * - damage, in every other case: the frames there were durable, and acknowledged.
 */
export function walkSegment(bytes: Buffer, limits: WalkLimits, visit: FrameVisitor): WalkedSegment {
  const { dataAt, limit, isLimitSure, settledBelow, isFinished, lost } = limits;
  const isLast = limit === Number.POSITIVE_INFINITY;
  const isLost = (from: number, to: number): boolean => lost.some((range) => range.from < to && from < range.to);
  const damage: DamagedRange[] = [];
  let next = limits.firstFrame;
  let end = dataAt;
  let hasGap = false;
  for (let at = end; at < bytes.length; ) {
    const good = decodeFrame(bytes, at);
    const found = good === undefined ? findFrame(bytes, at) : { at, frame: good };
    if (found === undefined || found.frame.number >= limit || found.frame.number < next) break;
    const { frame } = found;
    if (frame.number > next || found.at > at) {
      const wasDurable = isFinished || isLost(at, found.at) || newestGroup(bytes, found.at) > next;
      if (!wasDurable) break;
      hasGap = true;
      const isMissed = frame.number > settledBelow && next < frame.number;
      if (isMissed)
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
  const hasTail = isLast && end < bytes.length;
  const isTailLost = hasTail && (isFinished || isLost(end, bytes.length));
  if (isTailLost) {
    // At least one is missing. Its number is not given to another frame, so that each later start misses it, too.
    const firstFrame = Math.max(next, settledBelow);
    damage.push({ from: end, to: bytes.length, firstFrame, nextFrame: firstFrame + 1, isOpen: true });
  }
  const tornBytes = hasTail && !isTailLost ? bytes.length - end : 0;
  return { end, nextFrame: next, damage, hasGap, tornBytes };
}

/** First frame of the newest group of which a good frame is at or behind `from`. */
function newestGroup(bytes: Buffer, from: number): number {
  let newest = 0;
  for (let found = findFrame(bytes, from); found !== undefined; found = findFrame(bytes, found.frame.end)) {
    newest = Math.max(newest, found.frame.groupFirst);
  }
  return newest;
}
