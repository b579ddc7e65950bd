import { connect } from 'node:net';

/** An exchange that takes longer is a finding: whoever is refused is let go, and whoever goes is forgotten. */
const deadlineMs = 30_000;
const nothing = Buffer.alloc(0);

export interface Talk {
  /** Sent first. */
  readonly bytes: Buffer;
  /**
   * Sent one by one, each when something was answered; our side is closed behind the last of them, where there is none at
   * the first answer. Left out, it is closed right behind `bytes`.
   */
  readonly next?: readonly Buffer[];
  /** Without an answer for so long, our side is closed. */
  readonly patienceMs?: number;
}

/** Sends bytes to a port of this machine. Resolves with all that comes back until the connection is closed. */
export function talk(port: number, { bytes, next, patienceMs = 1_000 }: Talk): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const left = [...(next ?? [])];
    const socket = connect({ host: '127.0.0.1', port });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`not closed after ${deadlineMs} ms: ${bytes.toString('hex')}`));
    }, deadlineMs);
    // A reset is an answer too: the gateway reads no further.
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received.push(chunk);
      if (next === undefined || socket.writableEnded) return;
      const step = left.shift() ?? nothing;
      if (left.length > 0) socket.write(step);
      else socket.end(step);
    });
    socket.once('close', () => {
      clearTimeout(late);
      resolve(Buffer.concat(received));
    });
    socket.once('connect', () => {
      if (next === undefined) {
        socket.end(bytes);
        return;
      }
      socket.setTimeout(patienceMs, () => socket.end());
      socket.write(bytes);
    });
  });
}

/** Runs `work` for 0 to `count` - 1, so many at once; `slot` is never shared by two that run. */
export async function inParallel(
  slots: number,
  count: number,
  work: (index: number, slot: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (slot: number): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index, slot);
  };
  await Promise.all(Array.from({ length: slots }, (_, slot) => run(slot)));
}
