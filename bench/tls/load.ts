// Child process of the benchmark: devices with certificates, and the server's CPU time around their handshakes.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { generate } from 'mqtt-packet';
import { device } from '../load/frames.ts';
import { processCpuUs } from '../measure/processes.ts';
import type { ClientCertificates } from './certificates.ts';
import type { HandshakeCost, HandshakeRequest, TlsReply, TlsRequest } from './protocol.ts';

const atOnce = 16;
const { ca, key, certificates } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ClientCertificates;
const open = new Set<TLSSocket>();

const contextOf = (index: number): SecureContext => {
  const cert = certificates[index % certificates.length] as string;
  return createSecureContext({ ca, key, cert });
};
/** For handshakes alone: making a context would cost the load more than the handshake does. */
const first = contextOf(0);

const optionsFor = (port: number, secureContext: SecureContext): ConnectionOptions => ({
  host: '127.0.0.1',
  port,
  secureContext,
  ALPNProtocols: ['mqtt'],
});

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}

/** `deviceId` is told in CONNECT; undefined where nothing is said. */
async function stay(port: number, index: number, deviceId: string | undefined): Promise<void> {
  const socket = connect(optionsFor(port, contextOf(index)));
  open.add(socket);
  await once(socket, 'secureConnect');
  if (deviceId === undefined) return;
  socket.write(
    generate(
      { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, clientId: deviceId, keepalive: 0 },
      { protocolVersion: 5 },
    ),
  );
  const [connack] = (await once(socket, 'data')) as [Buffer];
  if (connack[3] !== 0) throw new Error(`CONNACK ${connack.toString('hex')}`);
  socket.on('error', fail).on('close', () => fail(new Error('the server has closed an idle connection')));
}

/** The ticket of a first connection. */
async function sessionOf(options: ConnectionOptions): Promise<Buffer> {
  const socket = connect(options);
  socket.resume();
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.end();
  await once(socket, 'close');
  return session;
}

/** Handshake and goodbye. Over when the server, too, has said its own. */
async function pass(options: ConnectionOptions): Promise<void> {
  const socket = connect(options);
  socket.resume();
  const closed = once(socket, 'close');
  await once(socket, 'secureConnect');
  if (options.session !== undefined && !socket.isSessionReused()) throw new Error('the session was not resumed');
  socket.end();
  await closed;
}

async function measure({ port, count, resumed, serverPid }: HandshakeRequest): Promise<HandshakeCost> {
  const full = optionsFor(port, first);
  const options = resumed ? { ...full, session: await sessionOf(full) } : full;
  const startedAtMs = performance.now();
  const before = processCpuUs(serverPid);
  await inParallel(count, () => pass(options));
  const cpuUs = processCpuUs(serverPid) - before;
  return { cpuUs, seconds: (performance.now() - startedAtMs) / 1000 };
}

async function answer(request: TlsRequest): Promise<TlsReply> {
  if (request.kind === 'handshakes') return { kind: 'measured', cost: await measure(request) };
  const { port, connections, speaksMqtt } = request;
  await inParallel(connections, (index) => stay(port, index, speaksMqtt ? device(index).deviceId : undefined));
  return { kind: 'done' };
}

function fail(error: Error): void {
  process.send?.({ kind: 'failed', message: error.message } satisfies TlsReply);
}

process.on('message', (request: TlsRequest) => {
  answer(request).then((reply) => process.send?.(reply), fail);
});
for (const event of ['SIGTERM', 'disconnect'] as const) process.on(event, () => process.exit(0));
