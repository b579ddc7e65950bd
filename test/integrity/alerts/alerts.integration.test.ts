import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../../deploy/local/kafka.ts';
import { readFences } from '../../../gateway/alerts/fences-file.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { compileRules } from '../../../gateway/core/alerts/compile.ts';
import { freePort } from '../../support/free-port.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../../support/gateway-settings.ts';
import { type ReadRecord, readTopic } from '../../support/kafka-reader.ts';
import { decodeWithRegistry } from '../../support/registered-avro.ts';
import { sharedServers } from '../../support/servers.ts';
import { telemetryPayload } from '../../support/telemetry.ts';
import { waitFor } from '../../support/wait-for.ts';
import { EventfulDrive, fences } from './eventful-drive.ts';
import { PersistentVehicle } from './persistent-vehicle.ts';

const { bootstrap, registryUrl } = sharedServers();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alerts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Settings of a gateway with alerts, and what belongs to it alone. */
async function scene(name: string, brokers = bootstrap) {
  const port = await freePort();
  const fencesFile = join(folder, `${name}.geojson`);
  await writeFile(fencesFile, JSON.stringify(fences));
  const alertsTopic = `alerts-${name}-${port}`;
  const alerts = {
    enabled: true,
    topic: alertsTopic,
    watchSeconds: 0,
    state: { directory: join(folder, name), snapshotSeconds: 2 },
    geofences: { path: fencesFile },
    faultCodes: { clearAfterSeconds: 2 },
    odometerService: { intervalKm: 15_000 },
  };
  const made = gatewaySettings({
    ...{ bootstrap: brokers, registryUrl, auth: 'anonymous' },
    sections: { listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'anonymous' }], alerts },
  });
  return { port, fencesFile, alertsTopic, made };
}

/** The rules as the gateway has them. */
function rulesOf({ settings }: GatewaySettings) {
  const result = loadConfig({ settings, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const { alerts } = result.config;
  return compileRules(alerts, readFences(alerts.geofences.path, alerts.geofences));
}

const idOf = ({ headers }: ReadRecord) => headers.ce_id as string;
const idsOf = (records: readonly ReadRecord[]) => new Set(records.map(idOf));
const startMs = Date.now() - 86_400_000;

describe('alerts of a gateway that is killed under load', () => {
  const kills = 8;
  const perLife = 3000;
  // Three, so that an event and its alert are mostly on their way to different brokers.
  let kafka: LocalKafka;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 });
  });
  afterAll(() => kafka?.close());

  it('are on Kafka for every event that must cause one, are caused by events on Kafka, and repeat only under equal ids', {
    timeout: 600_000,
  }, async () => {
    const { port, alertsTopic, made } = await scene('killed', kafka.bootstrap);
    const drives = Array.from({ length: 40 }, (_, number) => new EventfulDrive(number, startMs));
    let gateway = await GatewayProcess.start(made.settings);
    /** Of each kill: the events that had no answer. */
    const unanswered: string[][] = [];
    const vehicles = drives.map(
      (drive) => new PersistentVehicle({ port, vehicleId: drive.vehicleId, report: (n) => drive.report(n) }),
    );
    try {
      for (let kill = 0; kill < kills; kill++) {
        await waitFor(async () => (await gateway.metric('edge_publishes_delivered_total')) > perLife, {
          deadlineMs: 120_000,
          what: 'traffic to flow',
        });
        gateway.kill('SIGKILL');
        await gateway.exited();
        unanswered.push(
          vehicles.flatMap((vehicle, index) => vehicle.unacknowledged.map((n) => drives[index]?.eventId(n) as string)),
        );
        gateway = await GatewayProcess.start(made.settings);
        expect(gateway.find('alert_states_restored')).toMatchObject({ vehicles: drives.length });
      }
      await Promise.all(vehicles.map((vehicle) => vehicle.finish(50)));
    } finally {
      for (const vehicle of vehicles) vehicle.abandon();
      await gateway[Symbol.asyncDispose]();
    }
    const events = await readTopic(kafka.bootstrap, made.eventsTopic);
    const alerts = await readTopic(kafka.bootstrap, alertsTopic);

    const rules = rulesOf(made);
    const reports = drives.map((drive, index) => ({ drive, count: vehicles[index]?.acknowledged as number }));
    const expectedEvents = reports.flatMap(({ drive, count }) =>
      Array.from({ length: count }, (_, sequence) => drive.eventId(sequence)),
    );
    const eventIds = idsOf(events);
    expectKillsUnderWay(unanswered, events, alerts);
    expect(expectedEvents.length).toBeGreaterThan(kills * perLife);
    expect(expectedEvents.filter((id) => !eventIds.has(id))).toEqual([]);

    const expectedAlerts = new Set(reports.flatMap(({ drive, count }) => drive.alertIds(count, rules)));
    const alertIds = idsOf(alerts);
    expect([...expectedAlerts].filter((id) => !alertIds.has(id))).toEqual([]);
    expect([...alertIds].filter((id) => !expectedAlerts.has(id))).toEqual([]);
    expect(alerts.filter(({ headers }) => !eventIds.has(headers.ce_causationid as string))).toEqual([]);
    await expectEqualButForReceipt(alerts);
  });

  /**
   * Every kill met publishes without an answer, and at least one of these was on Kafka already, and causes an alert: it was
   * killed between the event and the settlement of event and alert, as its device had to send it again.
   */
  function expectKillsUnderWay(
    unanswered: readonly (readonly string[])[],
    events: readonly ReadRecord[],
    alerts: readonly ReadRecord[],
  ): void {
    expect(unanswered.map(({ length }) => length > 0)).toEqual(Array(kills).fill(true));
    const copies = Map.groupBy(events, idOf);
    const causes = new Set(alerts.map(({ headers }) => headers.ce_causationid));
    const caught = unanswered.flat().filter((id) => causes.has(id) && (copies.get(id)?.length ?? 0) > 1);
    expect(caught.length).toBeGreaterThan(0);
  }

  /** What has the same id says the same; only the time of receipt is that of the copy that it came with. */
  async function expectEqualButForReceipt(alerts: readonly ReadRecord[]): Promise<void> {
    const first = new Map<string, Record<string, unknown>>();
    for (const alert of alerts) {
      const { receivedTimeMs: _, ...says } = await decodeWithRegistry(registryUrl, alert.value);
      const before = first.get(idOf(alert));
      if (before === undefined) first.set(idOf(alert), says);
      else expect(says).toEqual(before);
    }
  }
});

describe('alerts over a restart and new rules', () => {
  const level = (sequence: number, batteryLevel: number, longitudeDeg = 10) =>
    telemetryPayload('veh-1', sequence, {
      ...{ batteryLevel, faultCodes: [], eventTimeUs: (startMs + sequence * 1000) * 1000 },
      position: { latitudeDeg: 52.5, longitudeDeg, accuracyM: 3 },
    });
  const connect = (port: number) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId: 'veh-1', reconnectPeriod: 0 });
  const publish = (client: mqtt.MqttClient, payload: Buffer) =>
    client.publishAsync('v1/vehicles/veh-1/telemetry', payload, { qos: 1 });
  const causes = async (topic: string) =>
    (await readTopic(bootstrap, topic)).map(({ headers }) => `${headers.ce_causationid} ${headers.ce_type}`);

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'are not raised once more for what holds on after %s, and are cleared then',
    async (signal) => {
      const { port, made, alertsTopic } = await scene(`restart-${signal.toLowerCase()}`);
      const type = 'com.mobilitycorp.vehicle.alert.low-battery.v1';
      let gateway = await GatewayProcess.start(made.settings);
      try {
        let client = await connect(port);
        await publish(client, level(1, 0.1));
        await publish(client, level(2, 0.09));
        gateway.kill(signal);
        await gateway.exited();
        client.end(true);
        gateway = await GatewayProcess.start(made.settings);
        expect(gateway.find('alert_states_restored')).toMatchObject({ vehicles: 1 });
        client = await connect(port);
        await publish(client, level(3, 0.08));
        await publish(client, level(4, 0.9));
        await client.endAsync();
        expect(await causes(alertsTopic)).toEqual([`veh-1/veh-1:7:1 ${type}`, `veh-1/veh-1:7:4 ${type}`]);
        expect(await gateway.metric('edge_alerts_durable_total', { rule: 'low_battery', change: 'cleared' })).toBe(1);
      } finally {
        await gateway[Symbol.asyncDispose]();
      }
    },
  );

  it('follow new rules without a connection being dropped, and the old ones while the new are wrong', async () => {
    const { port, made, alertsTopic, fencesFile } = await scene('reload');
    await writeFile(fencesFile, JSON.stringify({ ...fences, features: [] }));
    const type = 'com.mobilitycorp.vehicle.alert.geofence-violation.v1';
    await using gateway = await GatewayProcess.start(made.settings);
    const reloaded = (result: string) => gateway.metric('edge_alert_rule_reloads_total', { result });
    const reload = async (text: string, result: string) => {
      await writeFile(fencesFile, text);
      const before = await reloaded(result);
      gateway.kill('SIGHUP');
      await waitFor(async () => (await reloaded(result)) > before, {
        deadlineMs: 20_000,
        what: `rules to be ${result}`,
      });
    };
    const client = await connect(port);
    let closed = false;
    client.on('close', () => {
      closed = true;
    });
    await publish(client, level(1, 0.5, 13.2));
    await reload(JSON.stringify(fences), 'taken');
    expect(await gateway.metric('edge_alert_fences')).toBe(2);
    await publish(client, level(2, 0.5, 13.2));
    await reload('{"type": "FeatureCollection", "features": [{}]}', 'refused');
    expect(gateway.find('alert_rules_refused')).toMatchObject({
      problem: expect.stringContaining('features[0]: must be a GeoJSON Feature'),
    });
    await publish(client, level(3, 0.5, 10));
    expect(closed).toBe(false);
    await client.endAsync();
    expect(await causes(alertsTopic)).toEqual([`veh-1/veh-1:7:2 ${type}`, `veh-1/veh-1:7:3 ${type}`]);
  });
});
