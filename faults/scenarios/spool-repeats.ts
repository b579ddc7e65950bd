/** Settings that keep what a kill repeats small beside what has been replayed. */
export const smallReplay = { replayMaxRecords: 200, maxBatchRecords: 200 } as const;

const underWay = smallReplay.replayMaxRecords + smallReplay.maxBatchRecords;
/** The cursor is written every 100 ms, or when a slower disk has finished a group; this is what is replayed meanwhile. */
const behindCursor = 400;

/**
 * Records that are on Kafka twice after a kill, at most, as the replay begins again at the cursor: what was under way, and
 * what had been replayed since the cursor was last written. Without Kafka nothing is replayed, and the cursor is up to date.
 */
export const repeatedByKill = { whileReplaying: underWay + behindCursor, withoutKafka: underWay } as const;

/** The same for payloads of 64 KiB: under way are no more than 8 MiB of them, and one batch. */
export const repeatedLargeByKill = 300;
