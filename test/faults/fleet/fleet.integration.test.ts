import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FaultFleet,
  type FaultFleetOptions,
  FleetError,
  type FleetSample,
} from '../../../faults/fleet/fleet-process.ts';
import { judge } from '../../../faults/judge/judge.ts';
import { registerFleet } from '../../support/devices.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../../support/gateway-settings.ts';
import { sharedServers } from '../../support/servers.ts';
import { waitFor } from '../../support/wait-for.ts';

const vehicles = 40;
const clean = {
  lost: 0,
  lostLetters: 0,
  phantom: 0,
  outOfOrder: 0,
  split: 0,
  wrongPartition: 0,
  wrongId: 0,
  misjudged: 0,
};

describe('a fleet in a process of its own', () => {
  const { bootstrap, registryUrl } = sharedServers();
  let folder: string;
  let databasePath: string;
  let devicesCsv: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fault-fleet-'));
    databasePath = join(folder, 'devices.sqlite');
    devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const made = (): GatewaySettings => gatewaySettings({ bootstrap, registryUrl, databasePath });
  const addressOf = (gateway: GatewayProcess) => ({ host: '127.0.0.1', port: gateway.mqttPort() });
  const startFleet = (name: string, gateways: readonly GatewayProcess[], change: Partial<FaultFleetOptions> = {}) =>
    FaultFleet.start({
      vehicles,
      ratePerSecond: 800,
      addresses: gateways.map(addressOf),
      ledgerFile: join(folder, `${name}.ledger`),
      seed: 7,
      devicesCsv,
      rejectShare: 0.02,
      version: 'mixed',
      window: 16,
      qos2Share: 0.2,
      ...change,
    });
  const verdictOf = (name: string, { eventsTopic, deadLetterTopic }: GatewaySettings) =>
    judge({
      bootstrap,
      registryUrl,
      ledgerFile: join(folder, `${name}.ledger`),
      topics: { events: eventsTopic, deadLetters: deadLetterTopic },
    });
  const answered = (samples: readonly FleetSample[]) => samples.reduce((sum, s) => sum + s.acked + s.rejected, 0);
  const untilAnswered = (samples: readonly FleetSample[], count: number) =>
    waitFor(() => answered(samples) >= count, { deadlineMs: 60_000, what: `${count} answers` });

  function collect(fleet: FaultFleet): FleetSample[] {
    const samples: FleetSample[] = [];
    fleet.on('sample', (sample) => samples.push(sample));
    return samples;
  }

  it('publishes what the judge finds again: events, also of QoS 0, and a letter for each invalid publish', async () => {
    const settings = made();
    await using gateway = await GatewayProcess.start(settings.settings);
    await using fleet = await startFleet('calm', [gateway], { qos0Share: 0.1 });
    const samples = collect(fleet);
    await untilAnswered(samples, 2000);
    expect(await fleet.drain(30_000)).toBe(0);
    const summary = await fleet.summary();
    await fleet.close();
    await waitFor(async () => (await gateway.metric('edge_publishes_in_flight')) === 0, {
      ...{ deadlineMs: 10_000, what: 'Kafka to have what nobody waits for' },
    });

    const verdict = await verdictOf('calm', settings);
    expect(verdict).toMatchObject({ ...clean, unanswered: 0, duplicated: 0, resent: 0, examples: [] });
    expect(verdict).toMatchObject({ acked: summary.acked, rejected: summary.rejected });
    expect(verdict.sent).toBe(summary.sent + verdict.sentOnce);
    expect(verdict.sentOnce).toBeGreaterThan(0);
    expect(verdict.sentOnceStored).toBe(verdict.sentOnce);
    expect(verdict.inKafka + verdict.inDeadLetters).toBe(verdict.sent);
    // Vehicles with MQTT 3.1.1 hear of no rejection.
    expect(verdict.rejected).toBeGreaterThan(0);
    expect(verdict.inDeadLetters).toBeGreaterThan(verdict.rejected);
    expect(samples.at(-1)).toMatchObject({ connected: vehicles });
    expect(samples.at(-1)?.p50Ms).toBeGreaterThan(0);
  });

  it('breaks connections within a PUBLISH and between it and its answer, and still nothing is lost', async () => {
    const settings = made();
    await using gateway = await GatewayProcess.start(settings.settings);
    await using fleet = await startFleet('broken', [gateway]);
    const samples = collect(fleet);
    for (const mode of ['mid-publish', 'before-puback', 'plain'] as const) {
      await untilAnswered(samples, answered(samples) + 800);
      expect(await fleet.resetConnections({ share: 0.5, mode })).toBeGreaterThan(0);
    }
    await untilAnswered(samples, answered(samples) + 800);
    expect(await fleet.drain(30_000)).toBe(0);
    const { disconnects, resent, reasons } = await fleet.summary();
    await fleet.close();

    expect(disconnects).toBeGreaterThan(vehicles / 2);
    expect(reasons.map(([reason]) => reason).sort()).toEqual([
      'cut on purpose, before-puback',
      'cut on purpose, mid-publish',
      'reset on purpose',
    ]);
    const verdict = await verdictOf('broken', settings);
    expect(verdict).toMatchObject({ ...clean, unanswered: 0, resent });
    // A PUBLISH whose answer found nobody was written; when it comes again it is known.
    expect(await gateway.metric('edge_publishes_duplicate_total')).toBeGreaterThan(0);
    expect(verdict.duplicated).toBeLessThanOrEqual(resent);
  });

  it('goes on with the other gateway when one is killed', async () => {
    const settings = made();
    await using first = await GatewayProcess.start(settings.settings);
    await using second = await GatewayProcess.start(settings.settings);
    await using fleet = await startFleet('failover', [first, second]);
    const samples = collect(fleet);
    await untilAnswered(samples, 1000);
    expect(await first.metric('edge_mqtt_connections')).toBeGreaterThan(0);
    expect(await second.metric('edge_mqtt_connections')).toBeGreaterThan(0);
    first.kill('SIGKILL');
    await waitFor(() => samples.at(-1)?.connected === vehicles && samples.some(({ disconnects }) => disconnects > 0), {
      deadlineMs: 30_000,
      what: 'every vehicle to be connected again',
    });
    await fleet.setAddresses([addressOf(second)]);
    await untilAnswered(samples, answered(samples) + 1000);
    expect(await fleet.drain(30_000)).toBe(0);
    await fleet.close();
    const verdict = await verdictOf('failover', settings);
    expect(verdict).toMatchObject({ ...clean, unanswered: 0 });
    expect(verdict.duplicated).toBeLessThanOrEqual(verdict.resent);
  });

  it('moves to the gateway to which a draining one refers it: nothing lost, nothing twice', async () => {
    const settings = made();
    await using second = await GatewayProcess.start(settings.settings);
    const { host, port } = addressOf(second);
    const shutdown = { serverReference: `${host}:${port}`, drainDeadlineMs: 20_000 };
    await using first = await GatewayProcess.start({ ...settings.settings, shutdown });
    await using fleet = await startFleet('moved', [first]);
    const samples = collect(fleet);
    await untilAnswered(samples, 1000);
    await fleet.setAddresses([addressOf(first), addressOf(second)]);
    first.kill('SIGTERM');
    expect(await first.exited()).toBe(0);
    await waitFor(() => samples.at(-1)?.connected === vehicles, {
      deadlineMs: 30_000,
      what: 'every vehicle to be connected again',
    });
    await untilAnswered(samples, answered(samples) + 1000);
    expect(await fleet.drain(30_000)).toBe(0);
    const { reasons } = await fleet.summary();
    await fleet.close();
    expect(reasons.map(([reason]) => reason)).toContain('server DISCONNECT 0x9c use another server');
    expect(await verdictOf('moved', settings)).toMatchObject({ ...clean, unanswered: 0, duplicated: 0 });
  });

  it('leaves a ledger that can be judged by when it is killed itself', async () => {
    const settings = made();
    await using gateway = await GatewayProcess.start(settings.settings);
    await using fleet = await startFleet('killed', [gateway]);
    await untilAnswered(collect(fleet), 1000);
    await fleet.kill('SIGKILL');
    await expect(fleet.drain(1000)).rejects.toThrow(FleetError);
    // What was in flight is still being written.
    await waitFor(async () => (await gateway.metric('edge_publishes_in_flight')) === 0, {
      deadlineMs: 30_000,
      what: 'the gateway to have settled everything',
    });
    const ledgerFile = join(folder, 'killed.ledger');
    const { size } = await stat(ledgerFile);
    expect(size).toBeGreaterThan(2000 * 16);
    const verdict = await verdictOf('killed', settings);
    expect(verdict).toMatchObject({ ...clean, duplicated: 0 });
    expect(verdict.acked).toBeGreaterThan(900);
    // A last entry that was torn by the kill changes nothing.
    await appendFile(ledgerFile, Buffer.alloc(7, 1));
    expect(await verdictOf('killed', settings)).toEqual(verdict);
  });

  it('can be judged while it is at work', async () => {
    const settings = made();
    await using gateway = await GatewayProcess.start(settings.settings);
    await using fleet = await startFleet('live', [gateway]);
    const samples = collect(fleet);
    await untilAnswered(samples, 800);
    const options = { bootstrap, registryUrl, ledgerFile: join(folder, 'live.ledger') };
    const verdict = await judge({
      ...options,
      topics: { events: settings.eventsTopic, deadLetters: settings.deadLetterTopic },
      untilMs: Date.now(),
    });
    expect(verdict).toMatchObject({ ...clean, duplicated: 0 });
    expect(verdict.acked).toBeGreaterThan(700);
  });

  it('says why when it cannot connect', async () => {
    const settings = made();
    await using gateway = await GatewayProcess.start(settings.settings);
    const start = startFleet('refused', [gateway], {
      version: 5,
      devicesCsv: undefined,
      connectDeadlineMs: 1000,
    } as never);
    await expect(start).rejects.toThrow(/0 of 40 vehicles connected in time: refused: 0x8/);
  });
});
