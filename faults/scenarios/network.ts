import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '../injectors/tcp-proxy.ts';
import { QuietDevice } from '../quiet-device.ts';
import type { Scenario, World } from '../scenario.ts';
import { drainBulkLoad } from './bulk-vehicles.ts';
import { boundedMemory, noAnswers, someAnswers } from './demands.ts';
import { demandFlood, floodShare, startFlood, tightWatermarks } from './flood.ts';

const oneProxy = (world: World): TcpProxy => {
  const index = world.random.integer(world.proxies.length);
  const proxy = world.proxies[index];
  if (proxy === undefined) throw new Error('there are no proxies');
  return proxy;
};

const demandNotReady = (world: World, fromMs: number): void =>
  world.demand(world.timeline.sawNotReady(fromMs, Date.now()), 'the gateway never said that it was not ready');

export const cutOneBroker: Scenario = {
  name: 'cut-one-broker',
  title: 'Cut from one broker',
  what: 'the gateway loses one broker, which goes on leading: what it leads waits, the rest flows',
  network: 'proxied',
  seconds: { short: 6, long: 30 },
  fault: async (world, seconds) => {
    const proxy = oneProxy(world);
    world.mark(`cut from broker ${world.proxies.indexOf(proxy) + 1}`);
    const disconnectsBefore = await world.gateway.metric('edge_kafka_disconnects_total');
    await proxy.cut();
    await someAnswers(world, seconds, 'while one broker was cut off');
    const disconnects = await world.gateway.metric('edge_kafka_disconnects_total');
    world.demand(disconnects > disconnectsBefore, 'the gateway lost no connection to a broker');
    world.mark('healed');
    await proxy.heal();
  },
};

export const cutAllBrokers: Scenario = {
  name: 'cut-all-brokers',
  title: 'Cut from all brokers',
  what: 'the gateway loses every broker under a flood of large payloads: no PUBACK, not ready, memory bounded, and it recovers by itself',
  network: 'proxied',
  boundsMemory: true,
  settings: { kafka: tightWatermarks, mqtt: floodShare },
  seconds: { short: 7, long: 60 },
  fault: async (world, seconds) => {
    await using flood = await startFlood(world);
    const { atMs: fromMs } = world.timeline.mark('fault', 'cut from all brokers');
    await Promise.all(world.proxies.map((proxy) => proxy.cut()));
    await noAnswers(world, seconds, 'while all brokers were cut off');
    demandNotReady(world, fromMs);
    demandFlood(world, flood);
    boundedMemory(world, fromMs, Date.now(), tightWatermarks.hardBytes);
    world.mark('healed');
    await Promise.all(world.proxies.map((proxy) => proxy.heal()));
    await drainBulkLoad(world, flood);
  },
};

export const blackhole: Scenario = {
  name: 'blackhole',
  title: 'Packets vanish',
  what: "first one broker's answers are lost while it stores what it is sent, then no byte passes to or from any broker; connections stay open all the time",
  network: 'proxied',
  // Each half is longer than the gateway waits for an answer.
  seconds: { short: 12, long: 60 },
  fault: async (world, seconds) => {
    const proxy = oneProxy(world);
    world.mark(`answers of broker ${world.proxies.indexOf(proxy) + 1} vanish`);
    const failedBefore = await world.gateway.metric('edge_kafka_requests_failed_total');
    proxy.blackhole('toClient');
    await someAnswers(world, seconds / 2, "while one broker's answers vanished");
    await proxy.heal();
    const failed = await world.gateway.metric('edge_kafka_requests_failed_total');
    world.demand(failed > failedBefore, 'no Produce request was left without an answer');
    const { atMs: fromMs } = world.timeline.mark('fault', 'everything vanishes');
    for (const each of world.proxies) each.blackhole();
    await noAnswers(world, seconds / 2, 'while everything vanished');
    demandNotReady(world, fromMs);
    world.mark('healed');
    await Promise.all(world.proxies.map((each) => each.heal()));
  },
};

/** Each way; Kafka's answer takes twice as long to come. */
const oneWayMs = 1000;

export const kafkaLatency: Scenario = {
  name: 'kafka-latency',
  title: 'Two seconds to Kafka and back',
  what: 'every answer of Kafka takes 2 s: busy connections are paused, a quiet one is still answered, its pings and its publishes, memory stays flat',
  network: 'proxied',
  boundsMemory: true,
  settings: {
    kafka: {
      requestTimeoutMs: 10_000,
      maxBatchRecords: 200,
      softRecords: 200,
      hardRecords: 20_000,
      ...tightWatermarks,
    },
  },
  fleet: { window: 32 },
  seconds: { short: 8, long: 60 },
  fault: async (world, seconds) => {
    await using quiet = await QuietDevice.connect(world);
    const { atMs: fromMs } = world.timeline.mark('fault', '2 s of latency');
    const pausesBefore = await world.gateway.metric('edge_mqtt_pauses_total');
    for (const proxy of world.proxies) proxy.setLatencyMs(oneWayMs);
    const end = performance.now() + seconds * 1000;
    for (let round = 1; performance.now() < end; round += 1) {
      // One at a time: a device that waits for Kafka is not read under pressure, its pings neither.
      world.demand(await quiet.publish(round), 'a publish of the quiet device was not answered');
      world.demand(await quiet.ping(), 'a ping of the quiet device was not answered');
      await delay(500);
    }
    const toMs = Date.now();
    const pauses = (await world.gateway.metric('edge_mqtt_pauses_total')) - pausesBefore;
    const slowest = Math.max(0, ...world.timeline.samplesBetween(fromMs, toMs).map(({ maxMs }) => maxMs));
    world.demand(slowest >= 2 * oneWayMs, `the slowest answer took ${slowest} ms: there was no latency`);
    world.demand(pauses > 0, 'no busy connection was paused');
    world.demand(world.timeline.highestPressure(fromMs, toMs) < 2, 'the hard watermark was passed');
    boundedMemory(world, fromMs, toMs, tightWatermarks.hardBytes);
    world.mark('no latency');
    for (const proxy of world.proxies) proxy.setLatencyMs(0);
  },
};
