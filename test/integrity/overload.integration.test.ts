import { readFile } from 'node:fs/promises';
import mqtt from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { Flood } from '../support/flood.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { PacedFlood } from '../support/paced-flood.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const mebibyte = 1024 * 1024;
const ceilingBytes = 512 * mebibyte;
/** Hardly more than these limits add up to. */
const tightCeilingBytes = 370 * mebibyte;
const quietDevices = 20;
const manyQuietDevices = 1000;
/** What three times the capacity leaves unread after five seconds takes ten more; who is answered sooner is not behind it. */
const quietP99LimitMs = 5000;
const loudPerKind = 120;
const { registryUrl } = sharedServers();

const packets = (version: 4 | 5, ...each: object[]): Buffer =>
  Buffer.concat(each.map((packet) => generate(packet as Packet, { protocolVersion: version })));

/** As many publishes as make a large write, with packet identifiers that come round. */
const publishes = (version: 4 | 5, qos: 0 | 1, count: number): Buffer => {
  const payload = telemetryPayload('veh-loud', 1);
  const fields = { cmd: 'publish', topic: 'v1/vehicles/veh-loud/telemetry', payload, qos, dup: false, retain: false };
  return packets(version, ...Array.from({ length: count }, (_, index) => ({ ...fields, messageId: index + 1 })));
};

/** The first 100 kB of a PUBLISH of 200 kB. */
const halfAPublish = (): Buffer => {
  const topic = 'v1/vehicles/veh-loud/telemetry';
  const whole = packets(4, { cmd: 'publish', topic, payload: Buffer.alloc(200_000), qos: 1, messageId: 1 });
  return whole.subarray(0, 100_000);
};

/** The most memory that the process has had, from the kernel. */
async function peakResidentBytes(gateway: GatewayProcess): Promise<number> {
  const status = await readFile(`/proc/${gateway.child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Looks in a row: what a flood has left behind may bring the pressure back for a moment. */
const calmLooks = 5;

/** Ready, no pressure, and enough memory again, for a second. */
const untilNormal = (gateway: GatewayProcess) => {
  let calm = 0;
  let seen = { ready: 0, pressure: 0, memoryLevel: 0, residentMiB: 0 };
  return waitFor(
    async () => {
      seen = {
        ready: await gateway.metric('edge_ready'),
        pressure: await gateway.metric('edge_pressure'),
        memoryLevel: await gateway.metric('edge_memory_level'),
        residentMiB: Math.round((await gateway.metric('process_resident_memory_bytes')) / mebibyte),
      };
      calm = seen.ready === 1 && seen.pressure === 0 && seen.memoryLevel === 0 ? calm + 1 : 0;
      return calm >= calmLooks;
    },
    { deadlineMs: 60_000, everyMs: 200, what: () => `everything to be as before: ${JSON.stringify(seen)}` },
  );
};

/** A device that publishes now and then and pings in between. */
class QuietDevice {
  readonly #client: mqtt.MqttClient;
  readonly #vehicle: string;
  readonly #receiveMaximum: number | undefined;
  #sequence = 0;
  published = 0;
  answered = 0;
  pings = 0;
  closed = 0;
  longestMs = 0;

  private constructor(client: mqtt.MqttClient, vehicle: string, receiveMaximum: number | undefined) {
    this.#client = client;
    this.#vehicle = vehicle;
    this.#receiveMaximum = receiveMaximum;
    client.on('close', () => (this.closed += 1));
    client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pingresp') this.pings += 1;
    });
  }

  static async connect(url: string, vehicle: string, version: 4 | 5): Promise<QuietDevice> {
    const options = { protocolVersion: version, reconnectPeriod: 0, keepalive: 60 } as const;
    const client = mqtt.connect(url, { ...options, clientId: vehicle });
    const { properties } = await new Promise<mqtt.IConnackPacket>((resolve, reject) => {
      client.once('connect', resolve).once('error', reject);
    });
    return new QuietDevice(client, vehicle, properties?.receiveMaximum);
  }

  publish(): void {
    this.published += 1;
    this.#sequence += 1;
    const payload = telemetryPayload(this.#vehicle, this.#sequence);
    const sentAtMs = performance.now();
    this.#client.publishAsync(`v1/vehicles/${this.#vehicle}/telemetry`, payload, { qos: 1 }).then(
      () => {
        this.answered += 1;
        this.longestMs = Math.max(this.longestMs, performance.now() - sentAtMs);
      },
      () => {},
    );
  }

  ping(): void {
    this.#client.sendPing();
  }

  get receiveMaximum(): number | undefined {
    return this.#receiveMaximum;
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

describe('when hundreds of connections send all that they can', () => {
  let kafka: LocalKafka;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(() => kafka?.close());

  const settings = (maxBytes: number, mqttLimits: object = {}) =>
    gatewaySettings({
      bootstrap: kafka.bootstrap,
      registryUrl,
      auth: 'anonymous',
      sections: {
        mqtt: { maxConnections: 1000, maxSessions: 1000, maxPartialBytes: 4 * mebibyte, ...mqttLimits },
        identity: { cacheMaxEntries: 1000, hashConcurrency: 1 },
        kafka: { softRecords: 10_000, hardRecords: 20_000, softBytes: 8 * mebibyte, hardBytes: 16 * mebibyte },
        memory: { maxBytes },
        // The flood is one event over and over: dropped as copies it would be no load.
        duplicates: { enabled: false },
        deadLetters: { maxDevices: 1000 },
        limits: { maxTracked: 1000 },
        readiness: { unsettledAfterMs: 3000, pressureAfterMs: 1000, recoverAfterMs: 1000 },
      },
    }).settings;

  it('memory stays below its ceiling, quiet devices are answered, and everything returns to normal by itself', {
    timeout: 200_000,
  }, async () => {
    await using gateway = await GatewayProcess.start(settings(ceilingBytes));
    const url = `mqtt://127.0.0.1:${gateway.mqttPort()}`;
    const baseBytes = await gateway.metric('process_resident_memory_bytes');
    const quiet: QuietDevice[] = [];
    for (let i = 0; i < quietDevices; i += 1) {
      quiet.push(await QuietDevice.connect(url, `veh-quiet-${i}`, i % 2 === 0 ? 5 : 4));
    }
    const port = gateway.mqttPort();
    const connections = loudPerKind;
    {
      await using unlimited = new Flood({ port, connections, version: 4, bytes: publishes(4, 1, 2000) });
      await using careless = new Flood({ port, connections, version: 5, bytes: publishes(5, 0, 2000) });
      await using halves = new Flood({ port, connections, version: 4, bytes: halfAPublish(), once: true });
      const pings = Buffer.alloc(60_000, Buffer.from([0xc0, 0]));
      await using deaf = new Flood({ port, connections: 40, version: 4, bytes: pings, deaf: true });
      await Promise.all([unlimited.start(), careless.start(), halves.start(), deaf.start()]);

      // Kafka takes what it can; the machine is the limit. Whoever sends little gets in all the same.
      for (let round = 1; round <= 4; round += 1) {
        for (const device of quiet) device.publish();
        await waitFor(() => quiet.every(({ answered }) => answered === round), {
          deadlineMs: 30_000,
          what: () => `answers in round ${round}: ${quiet.map(({ answered }) => answered).join()}`,
        });
      }
      const longestMs = Math.max(...quiet.map((device) => device.longestMs));

      // Now Kafka takes nothing at all.
      for (const broker of kafka.brokers) broker.pause();
      await waitFor(async () => (await gateway.metric('edge_not_ready', { reason: 'records_unsettled' })) === 1, {
        deadlineMs: 30_000,
        what: 'the gateway to be no longer ready',
      });
      expect(await gateway.metric('edge_ready')).toBe(0);
      const shedBefore = await gateway.metric('edge_publishes_shed_total');
      const pingsBefore = quiet.map((device) => device.pings);
      for (const device of quiet) device.ping();
      await waitFor(() => quiet.every((device, index) => device.pings > (pingsBefore[index] ?? 0)), {
        deadlineMs: 30_000,
        what: () => `pings to be answered: ${quiet.map(({ pings: count }) => count).join()}`,
      });
      for (const device of quiet) device.publish();
      const newcomer = await QuietDevice.connect(url, 'veh-newcomer', 5);
      expect(newcomer.receiveMaximum).toBe(8);
      await newcomer.end();
      expect(await gateway.metric('edge_publishes_shed_total')).toBeGreaterThan(shedBefore);
      expect(await gateway.metric('edge_unsettled_records')).toBeLessThan(20_000);
      expect(halves.cutOff).toBeGreaterThan(0);
      expect(await gateway.metric('edge_mqtt_partial_bytes')).toBeLessThanOrEqual(4 * mebibyte);
      console.info({
        baseMiB: Math.round(baseBytes / mebibyte),
        peakMiB: Math.round((await peakResidentBytes(gateway)) / mebibyte),
        longestMs: Math.round(longestMs),
        shed: await gateway.metric('edge_publishes_shed_total'),
        sentMiB: [unlimited, careless, halves, deaf].map((flood) => Math.round(flood.sentBytes / mebibyte)),
        cutOff: [unlimited, careless, halves, deaf].map((flood) => flood.cutOff),
        memoryAlarms: await gateway.metric('edge_memory_alarms_total'),
        delivered: await gateway.metric('edge_publishes_delivered_total'),
      });
      for (const broker of kafka.brokers) broker.resume();
    }
    await waitFor(() => quiet.every(({ answered, published }) => answered === published), {
      deadlineMs: 60_000,
      what: () => `every quiet publish to be answered: ${quiet.map(({ answered }) => answered).join()}`,
    });
    await untilNormal(gateway);
    expect(quiet.map(({ closed }) => closed)).toEqual(quiet.map(() => 0));
    await waitFor(async () => (await gateway.metric('edge_mqtt_connections')) === quietDevices, {
      deadlineMs: 30_000,
      what: 'the loud ones to be gone',
    });
    expect(await gateway.metric('edge_mqtt_connections_paused')).toBe(0);
    expect(await gateway.metric('edge_mqtt_partial_bytes')).toBe(0);
    const late = await QuietDevice.connect(url, 'veh-late', 5);
    expect(late.receiveMaximum).toBe(64);
    await late.end();
    expect(await peakResidentBytes(gateway)).toBeLessThan(ceilingBytes);
    await Promise.all(quiet.map((device) => device.end()));
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
  });

  /** Publishes per second that the gateway gets to Kafka when it is always offered more. */
  const capacityOf = async (gateway: GatewayProcess): Promise<number> => {
    const bytes = publishes(4, 1, 2000);
    await using flood = new Flood({ port: gateway.mqttPort(), connections: 64, version: 4, bytes });
    await flood.start();
    const before = await gateway.metric('edge_publishes_delivered_total');
    const startedAtMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const delivered = (await gateway.metric('edge_publishes_delivered_total')) - before;
    return delivered / ((performance.now() - startedAtMs) / 1000);
  };

  it.each([
    ['one loud connection', 1],
    ['two hundred loud connections', 200],
  ])(
    'at three times what it can carry, from %s, a thousand quiet devices are answered soon',
    {
      timeout: 200_000,
    },
    async (_, connections) => {
      const room = { maxConnections: 2000, maxSessions: 2000 };
      await using gateway = await GatewayProcess.start(settings(ceilingBytes, room));
      const port = gateway.mqttPort();
      const capacity = await capacityOf(gateway);
      await untilNormal(gateway);
      const quiet: QuietDevice[] = [];
      for (let from = 0; from < manyQuietDevices; from += 50) {
        const next = Array.from({ length: 50 }, (__, index) => `veh-quiet-${from + index}`);
        quiet.push(
          ...(await Promise.all(next.map((vehicle) => QuietDevice.connect(`mqtt://127.0.0.1:${port}`, vehicle, 5)))),
        );
      }
      const seconds = 5;
      {
        await using loud = new PacedFlood({
          ...{ port, connections, seconds, publishesPerSecond: 3 * capacity },
          topic: 'v1/vehicles/veh-loud/telemetry',
          payload: telemetryPayload('veh-loud', 1),
        });
        await loud.connect();
        const startedAtMs = performance.now();
        const offering = loud.run();
        for (const device of quiet) {
          device.publish();
          await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / manyQuietDevices));
        }
        await offering;
        const offeredPerSecond = loud.offered / ((performance.now() - startedAtMs) / 1000);
        const answered = () => quiet.filter((device) => device.answered === 1).length;
        await waitFor(() => answered() === quiet.length, {
          deadlineMs: 60_000,
          what: () => `answers to quiet devices: ${answered()} of ${quiet.length}`,
        });
        const latencies = quiet.map(({ longestMs }) => longestMs).sort((a, b) => a - b);
        const quantileMs = (share: number) => Math.round(latencies[Math.floor(share * latencies.length)] as number);
        console.info({
          connections,
          capacityPerSecond: Math.round(capacity),
          offeredPerSecond: Math.round(offeredPerSecond),
          quietMs: { p50: quantileMs(0.5), p99: quantileMs(0.99), longest: Math.round(latencies.at(-1) as number) },
          peakMiB: Math.round((await peakResidentBytes(gateway)) / mebibyte),
        });
        expect(offeredPerSecond).toBeGreaterThan(2 * capacity);
        expect(quantileMs(0.99)).toBeLessThan(quietP99LimitMs);
      }
      expect(await peakResidentBytes(gateway)).toBeLessThan(ceilingBytes);
      expect(quiet.filter(({ closed }) => closed > 0)).toEqual([]);
      await untilNormal(gateway);
      await Promise.all(quiet.map((device) => device.end()));
    },
  );

  it('a ceiling that is nearly reached holds devices back, and is not exceeded', {
    timeout: 200_000,
  }, async () => {
    await using gateway = await GatewayProcess.start(settings(tightCeilingBytes));
    const port = gateway.mqttPort();
    {
      const connections = 2 * loudPerKind;
      await using unlimited = new Flood({ port, connections, version: 4, bytes: publishes(4, 1, 2000) });
      await using careless = new Flood({ port, connections, version: 5, bytes: publishes(5, 0, 2000) });
      void Promise.all([unlimited.start(), careless.start()]);
      await waitFor(async () => (await gateway.metric('edge_memory_alarms_total')) > 0, {
        deadlineMs: 60_000,
        what: 'the memory to be near its ceiling',
      });
      const deliveredBefore = await gateway.metric('edge_publishes_delivered_total');
      for (let look = 0; look < 20; look += 1) {
        expect(await peakResidentBytes(gateway)).toBeLessThan(tightCeilingBytes);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      // Held back is not shut: records go on to Kafka all the time.
      expect(await gateway.metric('edge_publishes_delivered_total')).toBeGreaterThan(deliveredBefore);
      console.info({
        peakMiB: Math.round((await peakResidentBytes(gateway)) / mebibyte),
        alarms: await gateway.metric('edge_memory_alarms_total'),
        cutOff: await gateway.metric('edge_memory_cut_off_total'),
        refused: await gateway.metric('edge_mqtt_connects_refused_total', { reason: 'quotaExceeded' }),
      });
    }
    await untilNormal(gateway);
    const device = await QuietDevice.connect(`mqtt://127.0.0.1:${port}`, 'veh-after', 5);
    expect(device.receiveMaximum).toBe(64);
    device.publish();
    await waitFor(() => device.answered === 1, { deadlineMs: 30_000, what: 'an answer after the flood' });
    await device.end();
  });
});
