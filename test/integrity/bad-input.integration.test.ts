import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { generate, type IConnectPacket } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const utf8 = (text: string) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
/** A packet from its first byte and the pieces of its body. */
const packet = (firstByte: number, ...pieces: Buffer[]) => {
  const body = Buffer.concat(pieces);
  if (body.length > 127) throw new Error('only short packets here');
  return Buffer.concat([Buffer.from([firstByte, body.length]), body]);
};

const topic = 'v1/vehicles/veh-1/telemetry';
const CONNACK = 0x20;
const DISCONNECT = 0xe0;

interface BadInput {
  readonly what: string;
  /** Sent instead of CONNECT, or after a successful CONNECT in MQTT 5. */
  readonly when: 'first' | 'connected';
  readonly bytes: Buffer;
  /** First byte and reason code of the answer before the connection is closed; undefined: closed without a word. */
  readonly answer: readonly [number, number] | undefined;
}

const cases: readonly BadInput[] = [
  { what: 'a first packet that is not CONNECT', when: 'first', bytes: hex('c000'), answer: undefined },
  { what: 'random bytes instead of CONNECT', when: 'first', bytes: hex('47455420 2f204854'), answer: undefined },
  {
    what: 'a CONNECT that announces 200 MB',
    when: 'first',
    bytes: hex('10 80 80 80 60 0004'),
    answer: undefined,
  },
  {
    what: 'a remaining length of five bytes before CONNECT',
    when: 'first',
    bytes: hex('10 80 80 80 80 01'),
    answer: undefined,
  },
  {
    what: 'a remaining length of five bytes',
    when: 'connected',
    bytes: hex('30 ff ff ff ff 7f'),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'a packet over the limit, as soon as its length is known',
    when: 'connected',
    bytes: hex('32 80 80 80 01'),
    answer: [DISCONNECT, 0x95],
  },
  {
    what: 'a truncated variable byte integer as property length',
    when: 'connected',
    bytes: packet(0x32, utf8(topic), hex('0001'), hex('ff')),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'packet identifier 0',
    when: 'connected',
    bytes: packet(0x32, utf8(topic), hex('0000'), hex('00')),
    answer: [DISCONNECT, 0x82],
  },
  {
    what: 'NUL in a topic',
    when: 'connected',
    bytes: packet(0x32, utf8('v1/\0'), hex('0001'), hex('00')),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'a topic that is no UTF-8',
    when: 'connected',
    bytes: packet(0x32, hex('0003 61ff62'), hex('0001'), hex('00')),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'a wildcard in a topic name',
    when: 'connected',
    bytes: packet(0x32, utf8('v1/#'), hex('0001'), hex('00')),
    answer: [DISCONNECT, 0x90],
  },
  {
    what: 'QoS 3',
    when: 'connected',
    bytes: packet(0x36, utf8(topic), hex('0001'), hex('00')),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'the property content type twice',
    when: 'connected',
    bytes: packet(0x32, utf8(topic), hex('0001'), hex('08'), hex('03 0001 61'), hex('03 0001 62')),
    answer: [DISCONNECT, 0x82],
  },
  {
    what: 'a property that PUBLISH does not have',
    when: 'connected',
    bytes: packet(0x32, utf8(topic), hex('0001'), hex('03 21 0001')),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'topic alias 0',
    when: 'connected',
    bytes: packet(0x32, utf8(topic), hex('0001'), hex('03 23 0000')),
    answer: [DISCONNECT, 0x94],
  },
  {
    what: 'a second CONNECT',
    when: 'connected',
    bytes: generate(
      { cmd: 'connect', protocolVersion: 5, clientId: 'x', clean: true, keepalive: 9 } as IConnectPacket,
      {
        protocolVersion: 5,
      },
    ),
    answer: [DISCONNECT, 0x82],
  },
  {
    what: 'a packet that only servers send',
    when: 'connected',
    bytes: hex('d000'),
    answer: [DISCONNECT, 0x82],
  },
  {
    what: 'wrong reserved flags of PUBREL',
    when: 'connected',
    bytes: hex('60 02 0001'),
    answer: [DISCONNECT, 0x81],
  },
  {
    what: 'a SUBSCRIBE without topic filters',
    when: 'connected',
    bytes: hex('82 03 0001 00'),
    answer: [DISCONNECT, 0x82],
  },
];

describe('bad input', () => {
  let gateway: GatewayProcess;
  let folder: string;
  let secret: string;
  let honest: mqtt.MqttClient;
  let sequence = 0;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bad-input-'));
    const databasePath = join(folder, 'devices.sqlite');
    const devices = await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }]);
    secret = devices.get('dev-1') ?? '';
    const { settings } = gatewaySettings({ bootstrap, registryUrl, databasePath });
    gateway = await GatewayProcess.start(settings);
    honest = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: 'honest',
      username: 'dev-1',
      password: secret,
      reconnectPeriod: 0,
    });
  });
  afterAll(async () => {
    await honest?.endAsync(true);
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(cases)('$what gets the answer of the standard, is counted, and touches nobody else', async (bad) => {
    const violations = await gateway.metric('edge_mqtt_violations_total');
    const device = await Device.open(gateway.mqttPort());
    if (bad.when === 'connected') {
      device.send(
        generate(
          {
            ...{ cmd: 'connect', protocolVersion: 5, clientId: 'bad', clean: true, keepalive: 60 },
            ...{ username: 'dev-1', password: Buffer.from(secret) },
          } as IConnectPacket,
          { protocolVersion: 5 },
        ),
      );
      await device.received((bytes) => bytes[0] === CONNACK && bytes.length >= 2 + (bytes[1] ?? 0));
      device.forget();
    }
    device.send(bad.bytes);
    const answer = await device.closed();
    if (bad.answer === undefined) expect(answer).toEqual(Buffer.alloc(0));
    else expect([answer[0], answer[2]]).toEqual(bad.answer);
    expect(await gateway.metric('edge_mqtt_violations_total')).toBe(violations + 1);

    sequence += 1;
    await honest.publishAsync(topic, telemetryPayload('veh-1', sequence), { qos: 1 });
    expect(honest.connected).toBe(true);
  });
});

/** A device that says what it likes. */
class Device {
  readonly #socket: net.Socket;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => {};
  readonly #closed: Promise<void>;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
  }

  static async open(port: number): Promise<Device> {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Device(socket);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async received(enough: (bytes: Buffer) => boolean): Promise<void> {
    while (!enough(this.#bytes)) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        this.#closed.then(() => Promise.reject(new Error('closed while waiting for an answer'))),
      ]);
    }
  }

  forget(): void {
    this.#bytes = Buffer.alloc(0);
  }

  /** Everything that came until the gateway closed the connection. */
  async closed(): Promise<Buffer> {
    await this.#closed;
    return this.#bytes;
  }
}
