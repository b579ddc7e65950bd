import type { Socket } from 'node:net';

const chunkBytes = 65_536;
const stallMs = 1_000;

/**
 * Writes `bytes` of filling into a connection, as fast as the other side takes it. Resolves with how much was taken: all of
 * it, or what went before the connection was closed or nothing was taken for a second.
 */
export function pour(socket: Socket, bytes: number, filling: Buffer = Buffer.alloc(chunkBytes, 0x61)): Promise<number> {
  return new Promise((resolve) => {
    let taken = 0;
    let stalled: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(stalled);
      resolve(taken);
    };
    const next = (): void => {
      clearTimeout(stalled);
      if (taken >= bytes || socket.destroyed) {
        done();
        return;
      }
      stalled = setTimeout(done, stallMs);
      socket.write(filling, (error) => {
        if (error) {
          done();
          return;
        }
        taken += filling.length;
        next();
      });
    };
    socket.once('close', done);
    next();
  });
}
