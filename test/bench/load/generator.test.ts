import net, { type AddressInfo } from 'node:net';
import type protobuf from 'protobufjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadTelemetryType } from '../../../bench/load/fleet.ts';
import { LoadGenerator } from '../../../bench/load/generator.ts';
import { readResources } from '../../../bench/measure/resources.ts';
import { createPubackOnlyServer } from '../../../bench/servers/puback-only.ts';

describe('the load generator', () => {
  let type: protobuf.Type;
  let server: net.Server | undefined;
  let generator: LoadGenerator | undefined;

  beforeAll(async () => {
    type = await loadTelemetryType();
  });

  afterEach(() => {
    generator?.close();
    server?.close();
  });

  const start = async (listener: net.Server, connections = 5): Promise<LoadGenerator> => {
    server = listener;
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    generator = new LoadGenerator(type, () => readResources(process.pid, undefined));
    const { port } = listener.address() as AddressInfo;
    await generator.connect({ host: '127.0.0.1', port, connections, inFlight: 4, bootId: 1 });
    return generator;
  };

  /** Accepts the CONNECT and answers everything that follows with `answer`. */
  const answering = (answer: Buffer): net.Server =>
    net.createServer((socket) => {
      let connected = false;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        socket.write(connected ? answer : Buffer.from([0x20, 2, 0, 0]));
        connected = true;
      });
    });

  const window = { warmUpMs: 20, measureMs: 100 };

  it('saturates a server and counts what it acknowledges', async () => {
    const load = await start(createPubackOnlyServer());
    const result = await load.saturate(window);
    expect(result.acknowledged).toBeGreaterThan(0);
    expect(result.acknowledgedTotal).toBeGreaterThanOrEqual(result.acknowledged);
    expect(result.unacknowledged).toBe(0);
    expect(result.latency.p99Ms).toBeGreaterThan(0);
    expect(result.resources.serverCpuUs).toBeGreaterThanOrEqual(0);
  });

  it('publishes no more than it was asked to at a fixed rate', async () => {
    const load = await start(createPubackOnlyServer());
    const startedMs = performance.now();
    const result = await load.pace(500, window);
    const elapsedMs = performance.now() - startedMs;
    expect(result.acknowledged).toBeGreaterThan(0);
    expect(result.unacknowledged).toBe(0);
    expect(result.acknowledgedTotal).toBeLessThanOrEqual((elapsedMs / 1000) * 500);
  });

  it('publishes nothing more once a run at a fixed rate is over', async () => {
    const slow = createPubackOnlyServer();
    slow.prependListener('connection', (socket: net.Socket) => {
      const write = socket.write.bind(socket) as (bytes: Uint8Array) => boolean;
      // What is in flight when the load stops takes a while: time in which more would have been due.
      socket.write = ((bytes: Uint8Array) => setTimeout(() => write(bytes), 50) !== undefined) as typeof socket.write;
    });
    const load = await start(slow);
    const first = await load.pace(500, window);
    const second = await load.pace(1, window);
    expect(first.unacknowledged).toBe(0);
    expect(second.acknowledgedTotal).toBe(first.acknowledgedTotal);
  });

  it('counts the acknowledgements of all its runs together', async () => {
    const load = await start(createPubackOnlyServer());
    const first = await load.saturate(window);
    const second = await load.saturate(window);
    expect(second.acknowledgedTotal).toBeGreaterThanOrEqual(first.acknowledgedTotal + second.acknowledged);
  });

  it('puts PUBACKs together that arrive in pieces', async () => {
    const whole = createPubackOnlyServer();
    whole.prependListener('connection', (socket: net.Socket) => {
      const write = socket.write.bind(socket) as (bytes: Uint8Array) => boolean;
      socket.write = ((bytes: Uint8Array) => {
        write(bytes.subarray(0, 3));
        return write(bytes.subarray(3));
      }) as typeof socket.write;
    });
    const load = await start(whole);
    await expect(load.saturate(window)).resolves.toMatchObject({ unacknowledged: 0 });
  });

  it('fails when a PUBACK names a packet identifier that is not outstanding', async () => {
    const load = await start(answering(Buffer.from([0x40, 2, 0, 9])), 1);
    await expect(load.saturate(window)).rejects.toThrow('packet identifier 9');
  });

  it('fails when the server sends something that nobody asked for', async () => {
    const load = await start(answering(Buffer.from([0xd0, 0, 0xd0, 0])), 1);
    await expect(load.saturate(window)).rejects.toThrow('never asked for');
  });

  it('fails when the server refuses the CONNECT', async () => {
    const refusing = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(Buffer.from([0x20, 2, 0, 4])));
    });
    await expect(start(refusing)).rejects.toThrow('return code 4');
  });

  it('fails when the server closes a connection', async () => {
    const closing = createPubackOnlyServer();
    closing.on('connection', (socket: net.Socket) => socket.once('data', () => setImmediate(() => socket.destroy())));
    const load = await start(closing, 1);
    await expect(load.saturate(window)).rejects.toThrow();
  });
});
