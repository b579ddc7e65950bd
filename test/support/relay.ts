import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Passes connections to `port` of this machine on to the server of an address, until it is disposed of. */
export async function relayTo({ hostname, port: target }: URL, port: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect({ host: hostname, port: Number(target) });
    for (const end of [socket, onward]) sockets.add(end.on('error', () => {}));
    socket.pipe(onward).pipe(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
