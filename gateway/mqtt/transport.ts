import type { Buffer } from 'node:buffer';

/** What carries the bytes of a connection: a socket of TCP or TLS as it is, or a WebSocket over one. */
export interface Transport {
  /** Of the device, also behind a load balancer that tells it. Undefined once the peer has gone. */
  readonly remoteAddress: string | undefined;
  readonly destroyed: boolean;
  /** Bytes that have arrived and were not handed on, as nobody reads at present. */
  readonly readableLength: number;
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number;
  write(bytes: Buffer): unknown;
  /** Closes after what was written, and `lastBytes`, have gone out. */
  end(): unknown;
  end(lastBytes: Buffer): unknown;
  pause(): unknown;
  resume(): unknown;
  /** Hands on what has arrived, also while paused. */
  read(): unknown;
  /** Closes at once. */
  destroy(): unknown;
}
