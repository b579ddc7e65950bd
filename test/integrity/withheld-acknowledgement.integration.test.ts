import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const topic = 'v1/vehicles/veh-1/telemetry';

describe('with Kafka frozen', () => {
  let kafka: LocalKafka;
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let secret: string;
  const { registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'withheld-'));
    kafka = await startKafka({ brokers: 1 });
    const databasePath = join(folder, 'devices.sqlite');
    secret = (await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }])).get(
      'dev-1',
    ) as string;
    made = gatewaySettings({ bootstrap: kafka.bootstrap, registryUrl, databasePath });
    gateway = await GatewayProcess.start(made.settings);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = (clientId: string) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      ...{ protocolVersion: 5, clientId, username: 'dev-1', password: secret, reconnectPeriod: 0 },
      keepalive: 1,
    });

  it.each([
    ['PUBACK', 1, 10],
    ['PUBREC', 2, 20],
  ] as const)(
    'withholds %s until Kafka has the record, answers pings meanwhile, and then keeps the order',
    async (_name, qos, first) => {
      const [broker] = kafka.brokers;
      const client = await connect(`withheld-${qos}`);
      broker?.pause();
      const answered: number[] = [];
      const sent = [0, 1, 2].map((i) => first + i);
      const answers = sent.map((sequence) =>
        client.publishAsync(topic, telemetryPayload('veh-1', sequence), { qos }).then(() => answered.push(sequence)),
      );
      const received = await waitForReceived(sent.length);
      // Two round trips of PINGREQ later the gateway has had every chance to answer too early.
      for (let pings = 0; pings < 2; pings++) {
        await new Promise<void>((resolve) => {
          const onPacket = (packet: { cmd: string }) => {
            if (packet.cmd !== 'pingresp') return;
            client.off('packetreceive', onPacket);
            resolve();
          };
          client.on('packetreceive', onPacket);
        });
      }
      expect(answered).toEqual([]);
      expect(await gateway.metric('edge_publishes_in_flight')).toBe(received);

      broker?.resume();
      await Promise.all(answers);
      await client.endAsync();
      expect(answered).toEqual(sent);
      const ids = (await readTopic(kafka.bootstrap, made.eventsTopic)).map(({ headers }) => headers.ce_id);
      expect(ids.filter((id) => sent.some((sequence) => id === `dev-1:7:${sequence}`))).toEqual(
        sent.map((sequence) => `dev-1:7:${sequence}`),
      );
    },
  );

  async function waitForReceived(count: number): Promise<number> {
    await waitFor(async () => (await gateway.metric('edge_publishes_in_flight')) === count, {
      deadlineMs: 20_000,
      what: `${count} publishes in flight`,
    });
    return count;
  }
});
