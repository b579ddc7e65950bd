/** How the spool works. Bytes are bytes of files unless said otherwise. */
export interface SpoolSettings {
  /** `outage`: records go to the spool while Kafka takes none. `always`: every record goes through it. */
  readonly mode: 'outage' | 'always';
  readonly directory: string;
  /** Age of the oldest record without an answer from Kafka at which `outage` begins. */
  readonly afterMs: number;
  /** How long a record waits for others to be written and made durable with it. */
  readonly lingerMs: number;
  /** A segment is not added to beyond this. */
  readonly segmentBytes: number;
  /** Bytes of all segments above which nothing more is taken. */
  readonly maxBytes: number;
  /** Age of the oldest record in the spool above which nothing more is taken. */
  readonly maxAgeSeconds: number;
  /** Records under way in a replay, from the oldest unanswered one on; one batch may exceed it. A crash repeats these. */
  readonly replayMaxRecords: number;
  /** The same, in encoded bytes before compression. */
  readonly replayMaxBytes: number;
  /** What is in the segments is encrypted; default: false. */
  readonly encrypted?: boolean;
}

/** What the spool shares with the producer, so that it takes the same records and holds no more of them. */
export interface BatchLimits {
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly softRecords: number;
  readonly hardRecords: number;
  readonly softBytes: number;
  readonly hardBytes: number;
}
