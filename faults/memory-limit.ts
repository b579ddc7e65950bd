const MIB = 1024 * 1024;

/**
 * V8 makes its young generation larger when much survives, which is a swing of more than 100 MB that says nothing about
 * what the gateway holds. Where its memory is to be bounded, it is held at this size from the beginning, MiB.
 */
export const HELD_SEMI_SPACE_MIB = 16;
/** Garbage that is not collected yet, and fragments. */
const SLACK_BYTES = 64 * MIB;

export interface MemoryFigures {
  /** Most resident memory before the fault, under the same load. */
  readonly quietBytes: number;
  /** The same during the fault. */
  readonly mostBytes: number;
  /** `kafka.hardBytes`: unsettled bytes above which nothing is read. */
  readonly hardBytes: number;
}

/**
 * What is wrong with the memory of a gateway whose records Kafka does not take; undefined when it holds no more than its
 * settings allow: each unsettled byte twice, as it was received, for a dead letter, and as a record.
 */
export function memoryProblem({ quietBytes, mostBytes, hardBytes }: MemoryFigures): string | undefined {
  if (quietBytes === 0 || mostBytes === 0) return 'the memory of the gateway was never looked at';
  const limit = quietBytes + 2 * hardBytes + SLACK_BYTES;
  if (mostBytes <= limit) return undefined;
  const [from, to, most] = [quietBytes, mostBytes, limit].map((bytes) => Math.round(bytes / MIB));
  return `the gateway grew from ${from} to ${to} MiB, where its settings allow ${most}`;
}
