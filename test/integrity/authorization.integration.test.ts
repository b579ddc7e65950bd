import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { defaultRules } from '../../gateway/core/authorization/default-rules.ts';
import { defaultCommandTopic, defaultRoutes } from '../../gateway/core/default-routes.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, telemetryPayload, vehicleReport } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const byDefault = defaultRules(defaultRoutes, defaultCommandTopic);
const denial = (...actions: string[]) => ({
  name: 'veh-1 is stolen',
  effect: 'deny',
  actions,
  kinds: ['vehicle'],
  topics: ['v1/vehicles/veh-1/#'],
});
const notAuthorized = { code: 0x87 };
/** What is promised of new rules. */
const takenWithinMs = 5_000;

describe('a gateway with rules', () => {
  const { bootstrap, registryUrl } = sharedServers();
  let folder: string;
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let secrets: ReadonlyMap<string, string>;
  const clients: MqttClient[] = [];

  const write = async (rules: unknown) => {
    await writeFile(join(folder, 'rules.new'), stringify({ rules }));
    await rename(join(folder, 'rules.new'), join(folder, 'rules.yaml'));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authorization-'));
    const databasePath = join(folder, 'devices.sqlite');
    secrets = await registerDevices(databasePath, [
      { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' },
      { deviceId: 'dev-2', kind: 'vehicle', boundTo: 'veh-2' },
    ]);
    await write(byDefault);
    const authorization = { rulesFile: join(folder, 'rules.yaml'), watchSeconds: 1 };
    made = gatewaySettings({ bootstrap, registryUrl, databasePath, sections: { authorization } });
    gateway = await GatewayProcess.start(made.settings);
  });
  afterAll(async () => {
    for (const client of clients) client.end(true);
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = async (deviceId: string, options: IClientOptions = {}): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: deviceId,
      username: deviceId,
      password: secrets.get(deviceId) ?? '',
      reconnectPeriod: 0,
      ...options,
    });
    clients.push(client);
    return client;
  };
  const telemetryOf = (vehicleId: string) => `v1/vehicles/${vehicleId}/telemetry`;
  const report = (client: MqttClient, vehicleId: string, sequence: number) =>
    client.publishAsync(telemetryOf(vehicleId), telemetryPayload(vehicleId, sequence), { qos: 1 });
  const willOf = (topic: string, payload: Buffer) => ({ will: { topic, payload, qos: 1 as const, retain: false } });
  const keys = async () => (await readTopic(bootstrap, made.eventsTopic)).map(({ key }) => key);
  const letters = async () =>
    (await readTopic(bootstrap, made.deadLetterTopic)).map(({ headers }) => headers.dlq_reason);
  const denied = (action: string, reason: string) =>
    gateway.metric('edge_authorization_denied_total', { action, reason });

  it('lets no device report as another vehicle, by topic, payload, batch, will or session', async () => {
    const honest = await connect('dev-2');
    await report(honest, 'veh-2', 1);
    const attacker = await connect('dev-1');
    await report(attacker, 'veh-1', 1);
    const mixed = encodeMessage('VehicleTelemetryBatch', {
      items: [vehicleReport('veh-1', 2), vehicleReport('veh-2', 2), vehicleReport('veh-1', 3)],
    });
    const forged: readonly [string, Buffer][] = [
      [telemetryOf('veh-2'), telemetryPayload('veh-2', 100)],
      [telemetryOf('veh-1'), telemetryPayload('veh-2', 101)],
      [`${telemetryOf('veh-1')}/batch`, mixed],
    ];
    for (const [topic, payload] of forged) {
      for (const qos of [1, 2] as const) {
        await expect(attacker.publishAsync(topic, payload, { qos })).rejects.toMatchObject(notAuthorized);
      }
    }
    await expect(attacker.subscribeAsync('v1/vehicles/veh-2/commands')).rejects.toThrow();

    const foreignWill = willOf(telemetryOf('veh-2'), telemetryPayload('veh-2', 102));
    await expect(connect('dev-1', { ...foreignWill, clientId: 'w' })).rejects.toMatchObject(notAuthorized);
    const disguised = await connect('dev-1', {
      ...willOf(telemetryOf('veh-1'), telemetryPayload('veh-2', 103)),
      clientId: 'w',
    });
    disguised.stream.destroy();
    await waitFor(async () => (await letters()).length >= 7, { deadlineMs: 30_000, what: 'the letter of the will' });

    const stolen = { clientId: 'dev-2', username: 'dev-2', password: secrets.get('dev-1') ?? '' };
    await expect(connect('dev-1', stolen)).rejects.toMatchObject({ code: 0x86 });
    await connect('dev-1', { clientId: 'dev-2' });
    await report(honest, 'veh-2', 2);
    expect(await gateway.metric('edge_mqtt_sessions_taken_over_total')).toBe(0);

    expect((await keys()).toSorted()).toEqual(['veh-1', 'veh-2', 'veh-2']);
    const reasons = await letters();
    expect(reasons).toHaveLength(7);
    expect(reasons.filter((reason) => reason === 'not_authorized')).toHaveLength(2);
    expect(reasons.filter((reason) => reason === 'wrong_identity')).toHaveLength(5);
    expect(await denied('publish', 'not_bound')).toBe(2);
    expect(await denied('will', 'not_bound')).toBe(1);
    expect(await denied('subscribe', 'no_rule')).toBe(1);
    await attacker.endAsync();
  });

  it('takes new rules within 5 s for each publish, subscription and will, and ends no connection for it', async () => {
    const commands = 'v1/vehicles/veh-1/commands';
    const willed = await connect('dev-1', {
      ...willOf(telemetryOf('veh-1'), telemetryPayload('veh-1', 200)),
      clientId: 'willed',
    });
    const client = await connect('dev-1');
    const honest = await connect('dev-2');
    const closed: string[] = [];
    for (const each of [client, honest]) each.on('close', () => closed.push(each.options.clientId ?? ''));
    await client.subscribeAsync(commands);
    await report(client, 'veh-1', 201);
    const writtenBefore = (await keys()).length;
    const lettersBefore = (await letters()).length;

    await write([...byDefault, denial('publish', 'subscribe', 'will')]);
    const reloads = (result: string) => gateway.metric('edge_authorization_reloads_total', { result });
    await waitFor(async () => (await reloads('taken')) === 1, { deadlineMs: takenWithinMs, what: 'the new rules' });
    expect(await gateway.metric('edge_authorization_subscriptions_ended_total')).toBe(1);
    await expect(report(client, 'veh-1', 202)).rejects.toMatchObject(notAuthorized);
    await expect(client.subscribeAsync(commands)).rejects.toThrow();
    const will = willOf(telemetryOf('veh-1'), telemetryPayload('veh-1', 203));
    await expect(connect('dev-1', { ...will, clientId: 'w' })).rejects.toMatchObject(notAuthorized);
    willed.stream.destroy();
    await waitFor(async () => (await letters()).length === lettersBefore + 2, {
      deadlineMs: 30_000,
      what: 'the letter of the will that was allowed when it was left',
    });
    expect((await keys()).length).toBe(writtenBefore);

    await write([{ ...denial('publish'), topics: ['v1/#/x'] }]);
    await waitFor(async () => (await reloads('refused')) === 1, { deadlineMs: takenWithinMs, what: 'the refusal' });
    expect(gateway.find('authorization_rules_refused')?.problem).toMatch(/rules\.yaml: rules\[0\]\.topics\[0\]/);
    await expect(report(client, 'veh-1', 204)).rejects.toMatchObject(notAuthorized);

    await write(byDefault);
    gateway.kill('SIGHUP');
    await waitFor(async () => (await reloads('taken')) === 2, {
      deadlineMs: takenWithinMs,
      what: 'the rules of before',
    });
    await report(client, 'veh-1', 205);
    await report(honest, 'veh-2', 206);
    expect(closed).toEqual([]);
    const denials = gateway.log.filter(({ event }) => event === 'authorization_denied');
    expect(denials.map(({ rule }) => rule)).toContain('veh-1 is stolen');
  });
});
