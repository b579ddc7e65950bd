import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { freePort } from '../support/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { relayTo } from '../support/relay.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const topic = 'v1/vehicles/veh-1/telemetry';
const { bootstrap, registryUrl } = sharedServers();
const anonymous = (
  wish: { bootstrap?: readonly string[]; registryUrl?: string; sections?: Record<string, object> } = {},
) => gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous', ...wish }).settings;

/** A server that takes connections and never says a word: a registry or a broker that hangs. */
class SilentServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor() {
    this.#server = createServer((socket) => this.#sockets.push(socket.on('error', () => {})));
  }

  static async start(): Promise<SilentServer> {
    const silent = new SilentServer();
    silent.#server.listen(0, '127.0.0.1');
    await once(silent.#server, 'listening');
    return silent;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get wasAsked(): boolean {
    return this.#sockets.length > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const seen = (gateway: GatewayProcess, event: string) =>
  waitFor(() => gateway.find(event) !== undefined || gateway.child.exitCode !== null, {
    deadlineMs: 60_000,
    what: `the gateway to log ${event}`,
  });

const status = async (gateway: GatewayProcess, path: string) => (await fetch(gateway.adminUrl + path)).status;
const reasons = async (gateway: GatewayProcess) =>
  ((await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as { reasons: string[] }).reasons;

describe('a start that has to wait', () => {
  it('is alive and not ready while the schema registry is down, and goes on by itself when it is there', async () => {
    const port = await freePort();
    await using gateway = await GatewayProcess.spawn(
      anonymous({ registryUrl: `http://127.0.0.1:${port}${new URL(registryUrl).pathname}` }),
    );
    await seen(gateway, 'gateway_start_delayed');
    expect(gateway.find('gateway_start_delayed')).toMatchObject({ dependency: 'schema_registry' });
    // Foreseen, so it is told in words and without a stack.
    expect(JSON.stringify(gateway.log)).not.toContain('"stack"');
    expect(await status(gateway, '/livez')).toBe(200);
    expect(await reasons(gateway)).toEqual(['starting']);
    await using _relay = await relayTo(new URL(registryUrl), port);
    await seen(gateway, 'gateway_ready');
    expect(await status(gateway, '/readyz')).toBe(200);
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
  });

  it('is alive and not ready while Kafka is down, and ends at SIGTERM', async () => {
    const port = await freePort();
    await using gateway = await GatewayProcess.spawn(anonymous({ bootstrap: [`127.0.0.1:${port}`] }));
    await seen(gateway, 'gateway_start_delayed');
    expect(gateway.find('gateway_start_delayed')).toMatchObject({ dependency: 'kafka' });
    expect(await status(gateway, '/livez')).toBe(200);
    expect(await reasons(gateway)).toEqual(['starting']);
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
  });

  it.each(['schema registry', 'Kafka'])('ends at SIGTERM while a %s that hangs has yet to answer', async (which) => {
    await using silent = await SilentServer.start();
    const address = `127.0.0.1:${silent.port}`;
    const wish = which === 'Kafka' ? { bootstrap: [address] } : { registryUrl: `http://${address}` };
    await using gateway = await GatewayProcess.spawn(anonymous(wish));
    await waitFor(() => silent.wasAsked, { deadlineMs: 60_000, what: `the ${which} to be asked` });
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
    expect(gateway.find('gateway_ready')).toBeUndefined();
    expect(gateway.find('gateway_start_failed')).toBeUndefined();
  });
});

describe('a start that waiting cannot mend', () => {
  const failure = async (settings: object) => {
    await using gateway = await GatewayProcess.spawn(settings);
    const exitCode = await gateway.exited();
    const line = gateway.log.find(({ event }) => event === 'plain_text')?.text;
    return { exitCode, line, logged: gateway.find('gateway_start_failed') };
  };

  it.each(['admin', 'listeners[0]'])(
    'ends with code 1 and names the setting when the port of %s is taken',
    async (path) => {
      await using other = await SilentServer.start();
      const { port } = other;
      const sections =
        path === 'admin'
          ? { admin: { port } }
          : { listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'anonymous' }] };
      const { exitCode, line, logged } = await failure(anonymous({ sections }));
      expect(exitCode).toBe(1);
      expect(line).toBe(
        `${path}: cannot listen on 127.0.0.1:${port} (EADDRINUSE): another process listens there; end it, or choose another port`,
      );
      expect(logged).toMatchObject({ error: { code: 'EADDRINUSE' } });
    },
  );

  it('ends with code 1 and names the subject when a schema is not compatible with the registered one', async () => {
    const made = gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous' });
    const subject = `${made.eventsTopic}-com.mobilitycorp.telemetry.v1.VehicleTelemetry`;
    const older = {
      type: 'record',
      name: 'VehicleTelemetry',
      namespace: 'com.mobilitycorp.telemetry.v1',
      fields: [{ name: 'vehicleId', type: 'int' }],
    };
    const answer = await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(older) }),
    });
    expect(answer.status).toBe(200);
    const { exitCode, line, logged } = await failure(made.settings);
    expect(exitCode).toBe(1);
    expect(line).toContain(subject);
    expect(line).toContain('not BACKWARD compatible');
    expect(logged).toMatchObject({ error: { code: 'schema_incompatible' } });
  });

  it('ends with code 1 and names the topic when one is missing and may not be created', async () => {
    const made = gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous' });
    const { kafka } = made.settings as { kafka: object };
    const { exitCode, line } = await failure({
      ...made.settings,
      kafka: { ...kafka, createTopics: { enabled: false } },
    });
    expect(exitCode).toBe(1);
    expect(line).toContain(made.eventsTopic);
  });
});

describe('a stop while devices are connected', () => {
  let kafka: LocalKafka;
  let folder: string;
  const clients: mqtt.MqttClient[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'life-cycle-'));
    kafka = await startKafka({ brokers: 1 });
  });
  afterEach(async () => {
    for (const broker of kafka.brokers) broker.resume();
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  });
  afterAll(async () => {
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const connectDevice = async (gateway: GatewayProcess) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };

  /** Publishes one message that a frozen Kafka leaves unsettled. */
  const publishIntoTheVoid = async (gateway: GatewayProcess) => {
    const client = await connectDevice(gateway);
    for (const broker of kafka.brokers) broker.pause();
    const answer = client.publishAsync(topic, telemetryPayload('veh-1', 1), { qos: 1 });
    let answered = false;
    answer.then(
      () => (answered = true),
      () => {},
    );
    await waitFor(async () => (await gateway.metric('edge_publishes_in_flight')) === 1, {
      deadlineMs: 30_000,
      what: 'the publish to be in flight',
    });
    return { client, wasAnswered: () => answered };
  };

  it('settles what has been read, says DISCONNECT 0x8B, and ends with code 0', async () => {
    await using gateway = await GatewayProcess.start(anonymous({ bootstrap: kafka.bootstrap }));
    const client = await connectDevice(gateway);
    const goodbye = new Promise<number | undefined>((resolve) => {
      client.once('disconnect', ({ reasonCode }) => resolve(reasonCode));
    });
    let answered = 0;
    for (let sequence = 0; sequence < 20; sequence += 1) {
      void client.publishAsync(topic, telemetryPayload('veh-1', sequence), { qos: 1 }).then(
        () => (answered += 1),
        () => {},
      );
    }
    await waitFor(() => answered > 0, { deadlineMs: 30_000, what: 'the first answer' });
    gateway.kill('SIGTERM');
    expect(await goodbye).toBe(0x8b);
    expect(await gateway.exited()).toBe(0);
    expect(gateway.find('gateway_stopped')).toMatchObject({ unsettled: 0 });
  });

  it('ends with code 1 when Kafka did not take everything before the deadline, and leaves it unanswered', async () => {
    const sections = { shutdown: { drainDeadlineMs: 1000 } };
    await using gateway = await GatewayProcess.start(anonymous({ bootstrap: kafka.bootstrap, sections }));
    const { wasAnswered } = await publishIntoTheVoid(gateway);
    gateway.kill('SIGTERM');
    await seen(gateway, 'gateway_draining');
    // Health is still served while it drains, and says why it is not ready.
    expect(await status(gateway, '/livez')).toBe(200);
    expect(await reasons(gateway)).toContain('draining');
    expect(await gateway.exited()).toBe(1);
    expect(gateway.find('gateway_stopped')).toMatchObject({ unsettled: 1 });
    expect(wasAnswered()).toBe(false);
  });

  it('ends at once with code 1 at a second signal, and leaves unanswered what is unsettled', async () => {
    await using gateway = await GatewayProcess.start(anonymous({ bootstrap: kafka.bootstrap }));
    const { wasAnswered } = await publishIntoTheVoid(gateway);
    gateway.kill('SIGTERM');
    await seen(gateway, 'gateway_draining');
    gateway.kill('SIGINT');
    expect(await gateway.exited()).toBe(1);
    expect(gateway.find('gateway_stopped')).toBeUndefined();
    expect(wasAnswered()).toBe(false);
  });

  it('releases its ports, so that the next gateway can start on them', async () => {
    const [port, admin] = [await freePort(), await freePort()];
    const sections = {
      listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'anonymous' }],
      admin: { port: admin },
    };
    const settings = anonymous({ bootstrap: kafka.bootstrap, sections });
    for (let round = 0; round < 2; round += 1) {
      await using gateway = await GatewayProcess.start(settings);
      await connectDevice(gateway);
      gateway.kill('SIGTERM');
      expect(await gateway.exited()).toBe(0);
    }
  });
});
