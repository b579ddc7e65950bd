import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Relay extends AsyncDisposable {
  /** Holds back what is said in either direction, until `resume`. */
  pause(): void;
  resume(): void;
}

/** Passes connections to `port` of this machine on to the server of an address, until it is disposed of. */
export async function relayTo({ hostname, port: target }: URL, port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect({ host: hostname, port: Number(target) });
    for (const end of [socket, onward]) sockets.add(end.on('error', () => {}));
    socket.pipe(onward).pipe(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    pause: () => {
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      for (const socket of sockets) socket.resume();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
