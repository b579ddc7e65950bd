import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerFleet } from '../support/devices.ts';
import { FleetProcess } from '../support/fleet.ts';
import { freePorts } from '../support/free-port.ts';
import { GatewayProcess, type LogLine } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const vehicles = 300;
const disconnectsPerSecond = 150;
const readinessDelayMs = 300;
const { bootstrap, registryUrl } = sharedServers();

const stepsOf = (log: readonly LogLine[]) => log.filter(({ event }) => event === 'gateway_drain_step');
const durationOf = (log: readonly LogLine[], step: string) =>
  Number(stepsOf(log).find((line) => line.step === step)?.durationMs);
const readiness = async (gateway: GatewayProcess) =>
  (await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as { ready: boolean; reasons: string[] };

describe('a rolling restart of two gateways under load', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rolling-restart-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('hands every device to the other one, at the pace set, and loses and doubles nothing', async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
    const [portA, portB] = (await freePorts(2)) as [number, number];
    const made = gatewaySettings({ bootstrap, registryUrl, databasePath });
    const settings = (port: number, other: number) => ({
      ...made.settings,
      listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'registry' }],
      shutdown: { readinessDelayMs, disconnectsPerSecond, serverReference: `127.0.0.1:${other}` },
    });
    await using first = await GatewayProcess.start(settings(portA, portB));
    await using second = await GatewayProcess.start(settings(portB, portA));
    await using fleet = new FleetProcess([
      ...['--mqtt', `127.0.0.1:${portA},127.0.0.1:${portB}`, '--vehicles', `${vehicles}`, '--bays', '0'],
      ...['--rate', '4', '--seconds', '30', '--devices-csv', devicesCsv, '--mqtt-version', 'mixed'],
      ...['--verify', '--kafka', bootstrap.join(','), '--registry', registryUrl, '--topic', made.eventsTopic],
    ]);
    const connections = (gateway: GatewayProcess) => gateway.metric('edge_mqtt_connections');
    await waitFor(async () => (await connections(first)) + (await connections(second)) === vehicles, {
      deadlineMs: 30_000,
      what: 'the fleet to be connected',
    });
    await waitFor(async () => (await second.metric('edge_publishes_delivered_total')) > 200, {
      deadlineMs: 30_000,
      what: 'traffic to flow',
    });

    const restart = async (leaving: GatewayProcess, staying: GatewayProcess) => {
      const moving = await connections(leaving);
      leaving.kill('SIGTERM');
      expect(await leaving.exited()).toBe(0);
      expect(leaving.find('gateway_stopped')).toMatchObject({ unsettled: 0 });
      const steps = stepsOf(leaving.log);
      console.info(
        steps.map(({ step, durationMs }) => `${String(step)} ${Math.round(Number(durationMs))} ms`).join(', '),
      );
      expect(steps.map(({ step }) => step)).toEqual(['readiness_delay', 'hand_over', 'settle', 'dismiss']);
      // Paced, so that the other gateway does not get them all at once; and each was settled before it was told.
      expect(durationOf(leaving.log, 'hand_over')).toBeGreaterThan(((moving / disconnectsPerSecond) * 1000) / 2);
      expect(steps[1]).toMatchObject({ left: 0 });
      await waitFor(async () => (await connections(staying)) === vehicles, {
        deadlineMs: 30_000,
        what: 'the other gateway to have them all',
      });
    };
    await restart(first, second);
    await using firstAgain = await GatewayProcess.start(settings(portA, portB));
    await restart(second, firstAgain);

    const { exitCode, figures } = await fleet.verdict();
    console.info(JSON.stringify(figures));
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.acked).toBe(figures.sent);
    expect(exitCode).toBe(0);
  });

  it('names the other server to MQTT 5 devices, in CONNACK before and in DISCONNECT after the delay', async () => {
    const made = gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous' });
    const serverReference = 'gateway-b.example:1883';
    await using gateway = await GatewayProcess.start({
      ...made.settings,
      shutdown: { readinessDelayMs: 3000, serverReference, serverMoved: true },
    });
    const url = `mqtt://127.0.0.1:${gateway.mqttPort()}`;
    const options = { protocolVersion: 5, reconnectPeriod: 0 } as const;
    const client = await mqtt.connectAsync(url, options);
    const old = await mqtt.connectAsync(url, { ...options, protocolVersion: 4 });
    const told = new Promise((resolve) => client.once('disconnect', resolve));
    const closed = new Promise<void>((resolve) => old.once('close', () => resolve()));
    gateway.kill('SIGTERM');
    await waitFor(() => gateway.find('gateway_draining') !== undefined, { deadlineMs: 10_000, what: 'the drain' });
    expect(await readiness(gateway)).toEqual({ ready: false, reasons: ['draining'] });
    expect(await gateway.metric('edge_ready')).toBe(0);
    expect(await gateway.metric('edge_not_ready', { reason: 'draining' })).toBe(1);
    // Not ready, and still serving: the load balancer may not have noticed yet.
    await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', 1), { qos: 1 });
    await (await mqtt.connectAsync(url, { ...options, protocolVersion: 4 })).endAsync(true);
    await expect(mqtt.connectAsync(url, options)).rejects.toMatchObject({ code: 0x9d });
    expect(await told).toMatchObject({ reasonCode: 0x9d, properties: { serverReference } });
    await closed;
    expect(await gateway.exited()).toBe(0);
    await Promise.all([client.endAsync(true), old.endAsync(true)]);
  });
});
