import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { maxGroupBytes, maxGroups } from '../../gateway/core/identity.ts';
import type { RouteSettings } from '../../gateway/core/route.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { type CommandResult, runCommand, startCommand } from '../support/run-command.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const { bootstrap, registryUrl } = sharedServers();
const main = 'dead-letters/main.ts';
const vehicles = ['veh-1', 'veh-2', 'veh-3'] as const;
const reports = 60;
/** As many groups as a device may be in, with names as long as they may be. */
const groups = Array.from({ length: maxGroups }, (_, index) => String(index).padStart(maxGroupBytes, 'g')).sort();
/** Only who is in the last of them may publish: a letter that had not all of them would be refused when it is replayed. */
const rule = {
  name: 'last group',
  actions: ['publish'],
  kinds: ['vehicle'],
  groups: groups.slice(-1),
  topics: ['v1/vehicles/{boundTo}/#'],
};
const telemetryTopic = (vehicle: string) => `v1/vehicles/${vehicle}/telemetry`;

let folder: string;
let secrets: ReadonlyMap<string, string>;
let made: GatewaySettings;
/** Settings in which the route was mended, and that have a rule. */
let mended: string;

const letters = (...args: readonly string[]): Promise<CommandResult> => runCommand(main, args);

const connect = (gateway: GatewayProcess, vehicle: string) =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
    protocolVersion: 5,
    clientId: `dev-${vehicle}`,
    username: `dev-${vehicle}`,
    password: secrets.get(`dev-${vehicle}`) ?? '',
    reconnectPeriod: 0,
  });

/** Publishes one after another; returns the reason codes of the answers. */
async function publishAll(client: mqtt.MqttClient, topic: string, payloads: readonly Buffer[]): Promise<number[]> {
  const codes: number[] = [];
  for (const payload of payloads) {
    const code = await client.publishAsync(topic, payload, { qos: 1 }).then(
      () => 0,
      (error: { code?: number }) => error.code ?? -1,
    );
    codes.push(code);
  }
  return codes;
}

/** What a gateway without a route for telemetry makes of it, of garbage, and of a report for another vehicle. */
async function makeLetters(): Promise<void> {
  const routes = (made.settings.routes as unknown as RouteSettings[]).filter(({ deviceKind }) => deviceKind === 'bay');
  await using gateway = await GatewayProcess.start({ ...made.settings, routes });
  for (const vehicle of vehicles) {
    const client = await connect(gateway, vehicle);
    const payloads = Array.from({ length: reports }, (_, sequence) => telemetryPayload(vehicle, sequence));
    expect(new Set(await publishAll(client, telemetryTopic(vehicle), payloads))).toEqual(new Set([0x90]));
    if (vehicle === 'veh-1') {
      await publishAll(client, telemetryTopic(vehicle), [Buffer.from('garbage')]);
      await publishAll(client, telemetryTopic('veh-2'), [telemetryPayload('veh-2', 999)]);
    }
    await client.endAsync();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dead-letters-'));
  const databasePath = join(folder, 'devices.sqlite');
  secrets = await registerDevices(
    databasePath,
    vehicles.map((vehicle) => ({ deviceId: `dev-${vehicle}`, kind: 'vehicle', boundTo: vehicle, groups })),
  );
  made = gatewaySettings({ bootstrap, registryUrl, databasePath, partitions: 4 });
  mended = join(folder, 'gateway.yaml');
  await writeFile(mended, stringify({ ...made.settings, authorization: { rules: [rule] } }));
  // Creates all topics.
  await (await GatewayProcess.start(made.settings))[Symbol.asyncDispose]();
  await makeLetters();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('npm run dead-letters', () => {
  const all = vehicles.length * reports + 2;

  it('lists letters by reason, device, subject, topic and time, as a table or as lines of JSON', async () => {
    const { code, out, figures } = await letters('list', '--config', mended, '--limit', '5');
    expect({ code, figures }).toMatchObject({
      code: 0,
      figures: { letters: all, shown: 5, reasons: { no_route: all } },
    });
    expect(out).toMatch(/POSITION.*REASON.*DEVICE/);
    const count = async (...filter: readonly string[]) =>
      (await letters('list', '--config', mended, ...filter)).figures?.letters;
    expect(await count('--device', 'dev-veh-2')).toBe(reports);
    expect(await count('--subject', 'veh-1')).toBe(reports + 2);
    expect(await count('--topic', 'v1/vehicles/{vehicleId}/telemetry')).toBe(all);
    expect(await count('--topic', telemetryTopic('veh-3'))).toBe(reports);
    expect(await count('--reason', 'too_large')).toBe(0);
    expect(await count('--from', '1h', '--to', 'now')).toBe(all);
    expect(await count('--to', '1h')).toBe(0);
    const lines = (await letters('list', '--config', mended, '--json', '--device', 'dev-veh-3')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toHaveLength(reports);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ reason: 'no_route', boundTo: 'veh-3', attempts: 0, qos: 1 });
  });

  it('shows everything about a letter, decoded where the contracts know how', async () => {
    const [line = ''] = (await letters('list', '--config', mended, '--json', '--device', 'dev-veh-2')).out.split('\n');
    const { position } = JSON.parse(line) as { position: string };
    const { code, out } = await letters('show', '--config', mended, position);
    expect(code).toBe(0);
    expect(out).toContain('dlq_bound_to: veh-2');
    expect(out).toMatch(/00000000 {2}0a 05 76 65 68 2d 32/);
    expect(out).toContain('"vehicleId": "veh-2"');
    expect(await letters('show', '--config', mended, '0:99999999')).toMatchObject({ code: 1 });
    expect(await letters('show', '--config', mended, 'nonsense')).toMatchObject({ code: 2 });
  });

  it('says in a dry run what would be accepted, and writes nothing', async () => {
    const { code, figures } = await letters('replay', '--config', mended, '--dry-run');
    expect({ code, figures }).toMatchObject({
      code: 0,
      figures: { dryRun: true, accepted: all - 2, rejectedByReason: { malformed_payload: 1, not_authorized: 1 } },
    });
    expect(await readTopic(bootstrap, made.eventsTopic)).toEqual([]);
    expect((await letters('list', '--config', mended)).figures?.letters).toBe(all);
  });

  it('replays through SIGTERM and kill -9 each letter once, in the order of its vehicle, authorized as at first', async () => {
    const events = () => readTopic(bootstrap, made.eventsTopic);
    const letterTopic = () => readTopic(bootstrap, made.deadLetterTopic);
    const interrupt = async (rate: number, signal: 'SIGTERM' | 'SIGKILL', when: () => Promise<boolean>) => {
      const running = startCommand(main, ['replay', '--config', mended, '--rate', `${rate}`, '--max-attempts', '1']);
      await waitFor(when, { deadlineMs: 60_000, what: `the moment for ${signal}` });
      running.child.kill(signal);
      await running.result;
    };
    await interrupt(60, 'SIGKILL', async () => (await events()).length > 40);
    // Small rounds: the first of them notes down only some of what was found, and ends must not be forgotten for the rest.
    const before = (await letterTopic()).length;
    await interrupt(5, 'SIGTERM', async () => (await letterTopic()).length > before + 3);
    await interrupt(20, 'SIGKILL', async () => (await events()).length > 80);
    const { code, figures, err } = await letters('replay', '--config', mended, '--max-attempts', '1');
    expect({ code, figures }).toMatchObject({ code: 0, figures: { complete: true } });
    expect(err).toContain('cut short');

    const written = await events();
    for (const vehicle of vehicles) {
      const ids = written.filter(({ key }) => key === vehicle).map(({ headers }) => headers.ce_id);
      expect(ids).toEqual(Array.from({ length: reports }, (_, sequence) => `dev-${vehicle}:7:${sequence}`));
    }
    expect(new Set(written.map(({ headers }) => headers.ce_replayattempt))).toEqual(new Set(['1']));
    const [letter] = (await readTopic(bootstrap, made.deadLetterTopic)).filter(({ key }) => key === 'veh-3');
    const [event] = written.filter(({ key }) => key === 'veh-3');
    expect(event?.headers.ce_receivedtime).toBe(letter?.headers.dlq_received_time);
    expect(letter?.headers.dlq_groups).toBe(groups.join(','));
  });

  it('finds nothing to do afterwards but what was rejected again, so often as it may', async () => {
    const again = await letters('replay', '--config', mended, '--max-attempts', '1');
    expect(again.figures).toMatchObject({ accepted: 0, replayedBefore: all - 2, exhausted: 2, rejected: 0 });
    const more = await letters('replay', '--config', mended, '--max-attempts', '2');
    expect(more.figures).toMatchObject({ accepted: 0, rejected: 2, exhausted: 0 });
    const open = (await letters('list', '--config', mended, '--json')).out.trim().split('\n');
    expect(open.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ attempts: 2 }, { attempts: 2 }]);
    expect((await letters('list', '--config', mended, '--state', 'replayed')).figures?.letters).toBe(all - 2);
  });
});

describe('a device that sends nothing but garbage', () => {
  it('gets so many letters as its share allows; the rest is answered, counted, and told by its next letter', async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const deadLetters = { maxPerDevicePerMinute: 600, burstPerDevice: 5 };
    const capped = gatewaySettings({ bootstrap, registryUrl, databasePath, sections: { deadLetters } });
    await using gateway = await GatewayProcess.start(capped.settings);
    const client = await connect(gateway, 'veh-1');
    const answers: number[] = [];
    // So many at once that they come faster than the share grows, and no more than the gateway takes in flight.
    for (let round = 0; round < 5; round++) {
      const garbage = Array.from({ length: 40 }, (_, i) => Buffer.from(`garbage ${round} ${i}`));
      const codes = garbage.map((payload) => publishAll(client, telemetryTopic('veh-1'), [payload]));
      answers.push(...(await Promise.all(codes)).flat());
    }
    expect(new Set(answers)).toEqual(new Set([0x99]));
    await client.publishAsync(telemetryTopic('veh-1'), telemetryPayload('veh-1', 1), { qos: 1 });
    await waitFor(
      async () => {
        await client.publishAsync(telemetryTopic('veh-1'), Buffer.from('more'), { qos: 1 }).catch(() => undefined);
        const kept = await readTopic(bootstrap, capped.deadLetterTopic);
        return kept.some(({ headers }) => Number(headers.dlq_unkept_publishes) > 0);
      },
      { deadlineMs: 30_000, what: 'a letter that tells what was not kept' },
    );
    await client.endAsync();
    const sum = async (name: string): Promise<number> =>
      (await gateway.metrics()).filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
    const [received, kept, unkept] = [
      await sum('edge_publishes_received_total'),
      await sum('edge_publishes_dead_lettered_total'),
      await sum('edge_publishes_unkept_total'),
    ];
    expect(unkept).toBeGreaterThan(50);
    expect(kept + unkept + 1).toBe(received);
    const told = await readTopic(bootstrap, capped.deadLetterTopic);
    expect(told).toHaveLength(kept);
    expect(await sum('edge_accounting_mismatch')).toBe(0);
  });
});
