import type { Socket } from 'node:net';

/** Settings of a direction that may change while bytes are under way. */
export interface PipeConditions {
  /** How long each chunk is held. */
  readonly latencyMs: number;
  /** No byte moves: nothing is read, and what was read is kept. */
  readonly blocked: boolean;
}

interface DelayedChunk {
  /** undefined: the end of the stream. */
  readonly bytes: Buffer | undefined;
  readonly dueAtMs: number;
}

/**
 * One direction of a proxied connection. Bytes come out in the order in which they went in, each no sooner than the
 * latency that held when it was read; when the latency is lowered, what is under way keeps its order and its own delay.
 * At most `maxBufferedBytes` (plus the chunk that goes over it) are held; then the source is not read, as a window of a
 * real connection would be full.
 */
export class Pipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #maxBufferedBytes: number;
  readonly #held: DelayedChunk[] = [];
  #heldBytes = 0;
  #conditions: PipeConditions;
  #sinkFull = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, conditions: PipeConditions, maxBufferedBytes: number) {
    this.#source = source;
    this.#sink = sink;
    this.#conditions = conditions;
    this.#maxBufferedBytes = maxBufferedBytes;
    source.on('data', (bytes: Buffer) => this.#take(bytes));
    source.on('end', () => this.#take(undefined));
    sink.on('drain', () => {
      this.#sinkFull = false;
      this.#advance();
    });
    this.#advance();
  }

  setConditions(conditions: PipeConditions): void {
    this.#conditions = conditions;
    this.#advance();
  }

  /** Drops what is held; nothing moves any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#conditions = { latencyMs: 0, blocked: true };
  }

  #take(bytes: Buffer | undefined): void {
    this.#held.push({ bytes, dueAtMs: performance.now() + this.#conditions.latencyMs });
    this.#heldBytes += bytes?.length ?? 0;
    this.#advance();
  }

  /** Writes what is due, sets the clock for what is not, and reads on only while there is room. */
  #advance(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#conditions.blocked) {
      this.#writeDue();
    }
    if (this.#conditions.blocked || this.#heldBytes >= this.#maxBufferedBytes) {
      this.#source.pause();
    } else {
      this.#source.resume();
    }
  }

  #writeDue(): void {
    const now = performance.now();
    let written = 0;
    for (const { bytes, dueAtMs } of this.#held) {
      if (this.#sinkFull) {
        break;
      }
      if (dueAtMs > now) {
        this.#timer = setTimeout(() => this.#advance(), Math.ceil(dueAtMs - now));
        break;
      }
      written++;
      this.#write(bytes);
    }
    this.#held.splice(0, written);
  }

  #write(bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#sink.end();
      return;
    }
    this.#heldBytes -= bytes.length;
    if (!this.#sink.destroyed && !this.#sink.write(bytes)) {
      this.#sinkFull = true;
    }
  }
}
