import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLines, verifyChain } from '../../gateway/administration/audit/verify-chain.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { runCommand } from '../support/run-command.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a gateway that is administered', () => {
  const { bootstrap, registryUrl } = sharedServers();
  let folder: string;
  let gateway: GatewayProcess;
  let topic: string;
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'administration-'));
    const made = gatewaySettings({ bootstrap, registryUrl, databasePath: join(folder, 'devices.sqlite') });
    topic = made.eventsTopic.replace('events.raw', 'gateway.audit');
    const tokensPath = join(folder, 'tokens.sqlite');
    const audit = { directory: join(folder, 'audit'), topic };
    gateway = await GatewayProcess.start({
      ...made.settings,
      administration: { enabled: true, port: 0, tokensPath, audit },
    });
    // While the gateway runs, and without a restart.
    for (const scope of ['read', 'operate', 'admin']) {
      const args = ['--name', `${scope}-user`, '--scope', scope, '--expires-in', '1', '--json', '--tokens', tokensPath];
      const { figures } = await runCommand('gateway/administration/tokens/tokens-command.ts', ['create', ...args]);
      tokens[scope] = String(figures?.token);
    }
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (
    method: string,
    path: string,
    { scope = 'admin', body }: { scope?: string; body?: object } = {},
  ) => {
    const answer = await fetch(`http://127.0.0.1:${String(gateway.find('administration_listening')?.port)}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokens[scope] ?? scope}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  const connect = async (deviceId: string, password: string) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: deviceId,
      username: deviceId,
      password,
      reconnectPeriod: 0,
    });
    const told: unknown[] = [];
    client.on('disconnect', ({ reasonCode }) => told.push(reasonCode));
    client.on('error', () => {});
    return { client, told };
  };
  const publish = (client: MqttClient, sequence: number) =>
    client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', sequence), { qos: 1 });
  const gone = ({ client }: { client: MqttClient }) =>
    waitFor(() => !client.connected, { deadlineMs: 10_000, what: 'the device to be cut off' });
  const vehicle = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };

  it('lets a device in that was created, shows it, cuts it off, and keeps it out when it is disabled', async () => {
    const created = await ask('POST', '/v1/devices', { body: vehicle });
    expect(created.status).toBe(201);
    const secret = String(created.json.secret);
    const first = await connect('dev-1', secret);
    await publish(first.client, 1);

    const { json } = await ask('GET', '/v1/sessions?deviceId=dev-1', { scope: 'read' });
    expect(json.sessions).toMatchObject([{ clientId: 'dev-1', version: '5.0', listener: 'devices', inFlight: 0 }]);
    const [{ id }] = json.sessions as [{ id: string }];
    expect((await ask('GET', `/v1/sessions/${id}`, { scope: 'read' })).json).toMatchObject({ deviceId: 'dev-1' });
    expect((await ask('POST', `/v1/sessions/${id}/disconnect`, { scope: 'operate' })).status).toBe(200);
    await gone(first);
    expect(first.told).toEqual([0x98]);

    const second = await connect('dev-1', secret);
    await publish(second.client, 2);
    const disabled = await ask('PATCH', '/v1/devices/dev-1', { scope: 'operate', body: { enabled: false } });
    expect(disabled.json).toMatchObject({ sessionsEnded: 1 });
    await gone(second);
    await expect(connect('dev-1', secret)).rejects.toMatchObject({ code: 0x87 });
    await ask('PATCH', '/v1/devices/dev-1', { body: { enabled: true } });

    const rotated = await ask('POST', '/v1/devices/dev-1/secret');
    await expect(connect('dev-1', secret)).rejects.toMatchObject({ code: 0x86 });
    const third = await connect('dev-1', String(rotated.json.secret));
    await publish(third.client, 3);
    await ask('DELETE', '/v1/devices/dev-1');
    await gone(third);
    await expect(connect('dev-1', String(rotated.json.secret))).rejects.toMatchObject({ code: 0x86 });
  });

  it('changes the level of its log while it runs', async () => {
    const set = await ask('PUT', '/v1/log-level', { scope: 'operate', body: { level: 'warn', forSeconds: 1 } });
    expect(set.json).toMatchObject({ level: 'warn', configured: 'debug', until: expect.any(String) });
    await waitFor(async () => (await ask('GET', '/v1/log-level')).json.level === 'debug', {
      deadlineMs: 10_000,
      what: 'the configured level to be back',
    });
    expect(gateway.log.filter(({ event }) => event === 'log_level_changed')).toMatchObject([
      { from: 'debug', to: 'warn' },
      { from: 'warn', to: 'debug' },
    ]);
  });

  it('lets nobody else, and has a record of each denial and each change, in its file and in Kafka', async () => {
    expect((await ask('POST', '/v1/devices', { scope: 'read', body: vehicle })).status).toBe(403);
    expect((await ask('GET', '/v1/devices', { scope: 'nonsense' })).status).toBe(401);
    const path = join(folder, 'audit/audit.jsonl');
    const verdict = await verifyChain(readLines(path));
    expect(verdict).toMatchObject({ broken: undefined, tornLines: 0 });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const denied = lines.filter((line) => line.includes('"outcome":"denied"'));
    expect(denied.map((line) => JSON.parse(line) as object)).toMatchObject([
      { action: 'device.create', status: 403, actor: { name: 'read-user' } },
      { action: 'request', status: 401, actor: null },
    ]);

    // All but that of the beginning, which is older than the way to Kafka.
    const written = () => gateway.metric('edge_audit_kafka_records_total', { outcome: 'written' });
    await waitFor(async () => (await written()) === lines.length - 1, {
      deadlineMs: 20_000,
      what: 'Kafka to have them',
    });
    const records = await readTopic(bootstrap, topic);
    expect(records.map(({ value }) => String(value))).toEqual(lines.slice(1));
    expect(records[0]?.headers).toMatchObject({ ce_type: 'com.mobilitycorp.gateway.audit.v1', ce_subject: 'dev-1' });
    expect(new Set(records.map(({ headers }) => headers.ce_id)).size).toBe(records.length);
    expect(await gateway.metric('edge_accounting_mismatch')).toBe(0);
  });

  it('binds a device to another vehicle: it is cut off at once, and speaks for the other one when it is back', async () => {
    const body = { deviceId: 'dev-3', kind: 'vehicle', boundTo: 'veh-9', groups: ['pilot'] };
    const secret = String((await ask('POST', '/v1/devices', { body })).json.secret);
    const first = await connect('dev-3', secret);
    const { json } = await ask('GET', '/v1/sessions?deviceId=dev-3', { scope: 'read' });
    expect(json.sessions).toMatchObject([{ boundTo: 'veh-9', groups: ['pilot'] }]);
    const rebound = { boundTo: 'veh-1', groups: null };
    expect((await ask('PATCH', '/v1/devices/dev-3', { scope: 'operate', body: rebound })).status).toBe(403);
    const changed = await ask('PATCH', '/v1/devices/dev-3', { body: rebound });
    expect(changed.json).toMatchObject({ device: { boundTo: 'veh-1', groups: [] }, sessionsEnded: 1 });
    await gone(first);
    expect(first.told).toEqual([0x87]);
    const second = await connect('dev-3', secret);
    await publish(second.client, 4);
    // What is as it was ends nothing.
    expect((await ask('PATCH', '/v1/devices/dev-3', { body: rebound })).json).toMatchObject({ sessionsEnded: 0 });
    expect(second.client.connected).toBe(true);
    await second.client.endAsync();
  });

  it('shows no token and no secret, in its log, metrics, settings or records', async () => {
    const created = await ask('POST', '/v1/devices', { body: { ...vehicle, deviceId: 'dev-2' } });
    const settings = await ask('GET', '/v1/configuration', { scope: 'read' });
    expect(settings.json).toMatchObject({ administration: { enabled: true } });
    const shown = [
      JSON.stringify(gateway.log),
      JSON.stringify(await gateway.metrics()),
      JSON.stringify(settings.json),
      readFileSync(join(folder, 'audit/audit.jsonl'), 'utf8'),
    ].join();
    for (const secret of [...Object.values(tokens).map((token) => token.slice(-43)), String(created.json.secret)]) {
      expect(shown).not.toContain(secret);
    }
  });

  it('that is stopped while it imports ends the import, answers it, and has its outcome on record', async () => {
    const path = join(folder, 'audit/audit.jsonl');
    const imports = () =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line.includes('device.import'));
    const rows = Array.from({ length: 20 }, (_, index) => `imported-${index},vehicle,veh-${index}`);
    const answer = fetch(
      `http://127.0.0.1:${String(gateway.find('administration_listening')?.port)}/v1/device-imports`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens.admin}`, 'content-type': 'text/csv' },
        body: ['device_id,kind,bound_to', ...rows].join('\n'),
      },
    );
    await waitFor(() => imports().length > 0, { deadlineMs: 10_000, what: 'the import to begin' });
    gateway.kill('SIGTERM');
    expect((await answer).status).toBe(201);
    expect(await (await answer).json()).toMatchObject({ added: 20 });
    expect(await gateway.exited()).toBe(0);
    expect(imports().map((line) => (JSON.parse(line) as { outcome: string }).outcome)).toEqual([
      'attempted',
      'succeeded',
    ]);
    expect(await verifyChain(readLines(path))).toMatchObject({ broken: undefined, tornLines: 0 });
  });
});
