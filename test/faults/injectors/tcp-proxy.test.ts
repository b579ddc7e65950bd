import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TcpProxy } from '../../../faults/injectors/tcp-proxy.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A client's socket with all that it received. */
interface Client {
  readonly socket: Socket;
  readonly received: () => string;
}

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) {
    await undo();
  }
});

async function startServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

const startEcho = (): Promise<number> => startServer((socket) => socket.pipe(socket));

async function startProxy(targetPort: number, maxBufferedBytes?: number): Promise<TcpProxy> {
  const limit = maxBufferedBytes === undefined ? {} : { maxBufferedBytes };
  const proxy = await TcpProxy.start({ listenPort: 0, targetPort, ...limit });
  cleanUp.push(() => proxy.close());
  return proxy;
}

async function open(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  cleanUp.push(() => socket.destroy());
  // Those who care how it ends listen themselves.
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  await once(socket, 'connect');
  return { socket, received: () => text };
}

function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('end', () => resolve('end'));
  });
}

const until = (condition: () => boolean, what: string): Promise<unknown> =>
  waitFor(condition, { deadlineMs: 5000, what });

describe('a TCP proxy', () => {
  it('passes bytes on both ways, and the end of one direction behind them', async () => {
    const proxy = await startProxy(await startEcho());
    const client = await open(proxy.listenPort);
    const ended = ending(client.socket);
    const sent = 'x'.repeat(3_000_000);
    client.socket.end(sent, 'latin1');
    expect(await ended).toBe('end');
    expect(client.received()).toBe(sent);
    await until(() => proxy.connections === 0, 'the connection to be forgotten');
  });

  it('resets a client whose target refuses it', async () => {
    const proxy = await startProxy(await startEcho());
    const unreachable = await startProxy(proxy.listenPort);
    await proxy.close();
    const client = await open(unreachable.listenPort);
    expect(await ending(client.socket)).toBe('ECONNRESET');
  });

  it('resets every connection when cut and refuses new ones until healed', async () => {
    const proxy = await startProxy(await startEcho());
    const clients = [await open(proxy.listenPort), await open(proxy.listenPort)];
    const endings = clients.map(({ socket }) => ending(socket));
    await until(() => proxy.connections === 2, 'both connections to be served');
    await proxy.cut();
    expect(await Promise.all(endings)).toEqual(['ECONNRESET', 'ECONNRESET']);
    await expect(open(proxy.listenPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.heal();
    const again = await open(proxy.listenPort);
    again.socket.write('back');
    await until(() => again.received() === 'back', 'the echo after the cut');
  });

  it('tells the server of a reset, too', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const proxy = await startProxy(await startServer(accepted.resolve));
    await open(proxy.listenPort);
    const reset = ending(await accepted.promise);
    proxy.resetConnections();
    expect(await reset).toBe('ECONNRESET');
    expect((await open(proxy.listenPort)).socket.readyState).toBe('open');
  });

  it('keeps connections open in a black hole, and delivers in order what went into it', async () => {
    let atServer = '';
    const proxy = await startProxy(await startServer((socket) => socket.on('data', (bytes) => (atServer += bytes))));
    const open1 = await open(proxy.listenPort);
    open1.socket.write('before,');
    await until(() => atServer === 'before,', 'the bytes sent before');
    proxy.blackhole();
    open1.socket.write('during,');
    const open2 = await open(proxy.listenPort);
    await until(() => proxy.connections === 2, 'a new connection to be accepted');
    open2.socket.write('never');
    open2.socket.destroy();
    open1.socket.write('later');
    expect(atServer).toBe('before,');
    expect(open1.socket.destroyed).toBe(false);
    await proxy.heal();
    await until(() => atServer.includes('during,later'), 'what was held');
  });

  it('can lose the answers alone', async () => {
    let atServer = '';
    const port = await startServer((socket) => {
      socket.on('data', (bytes) => {
        atServer += bytes.toString();
        socket.write('answer');
      });
    });
    const proxy = await startProxy(port);
    const client = await open(proxy.listenPort);
    await until(() => proxy.connections === 1, 'the connection to be served');
    proxy.blackhole('toClient');
    client.socket.write('request');
    await until(() => atServer === 'request', 'the request to arrive');
    expect(client.received()).toBe('');
    await proxy.heal();
    await until(() => client.received() === 'answer', 'the answer');
  });

  it('delays each direction without changing the order', async () => {
    const proxy = await startProxy(await startEcho());
    const client = await open(proxy.listenPort);
    proxy.setLatencyMs(100);
    const started = performance.now();
    let sent = '';
    for (let i = 0; i < 200; i++) {
      sent += `${i};`;
      client.socket.write(`${i};`);
    }
    await until(() => client.received().length > 0, 'the first echo');
    // A lower bound that the proxy guarantees, not a measurement of this machine.
    expect(performance.now() - started).toBeGreaterThanOrEqual(199);
    proxy.setLatencyMs(0);
    client.socket.write('last');
    await until(() => client.received() === `${sent}last`, 'every echo in order');
  });

  it('delivers what it holds although the other side has already closed', async () => {
    const port = await startServer((socket) => socket.end('goodbye'));
    const proxy = await startProxy(port);
    proxy.setLatencyMs(50);
    const client = await open(proxy.listenPort);
    const ended = ending(client.socket);
    client.socket.end();
    expect(await ended).toBe('end');
    expect(client.received()).toBe('goodbye');
  });

  it('holds no more than its limit: a sender that is not read meets backpressure', async () => {
    const proxy = await startProxy(await startEcho(), 64 * 1024);
    const client = await open(proxy.listenPort);
    proxy.setLatencyMs(3_600_000);
    const chunk = Buffer.alloc(1024 * 1024);
    // What the kernel's own buffers take is bounded too, at a few megabytes.
    for (let i = 0; i < 64; i++) client.socket.write(chunk);
    await until(() => client.socket.bytesWritten > 0, 'the first bytes to go');
    expect(client.socket.writableLength).toBeGreaterThan(16 * 1024 * 1024);
  });

  it('refuses to start on a port that is taken', async () => {
    const proxy = await startProxy(await startEcho());
    await expect(TcpProxy.start({ listenPort: proxy.listenPort, targetPort: 1 })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
