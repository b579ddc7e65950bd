import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DecryptionError, RecordDecrypter } from '../../decoder/decrypt-record.ts';
import type { RouteSettings } from '../../gateway/core/route.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { type ReadRecord, readTopic } from '../support/kafka-reader.ts';
import { decodeWithRegistry } from '../support/registered-avro.ts';
import { runCommand } from '../support/run-command.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { createTopic } from '../support/topics.ts';
import { waitFor } from '../support/wait-for.ts';

const { bootstrap, registryUrl } = sharedServers();
const vehicles = ['veh-1', 'veh-2'];
const keys = new Map(['k1', 'k2'].map((id) => [id, randomBytes(32)]));
let folder: string;
let secrets: ReadonlyMap<string, string>;
let databasePath: string;

/** A file of the keys with these ids, the last of which is current. */
async function writeKeys(name: string, ids: readonly string[], mode = 0o600): Promise<string> {
  const path = join(folder, name);
  const filed = ids.map((id) => ({ id, key: keys.get(id)?.toString('base64') }));
  await rm(path, { force: true });
  await writeFile(path, stringify({ current: ids.at(-1), keys: filed }), { mode });
  return path;
}

/** Settings of a gateway whose routes are encrypted, but for the one with raw bytes. */
function encryptedSettings(keysFile: string, sections: Record<string, object> = {}): GatewaySettings {
  const encryption = { keysFile, watchSeconds: 1 };
  const made = gatewaySettings({ bootstrap, registryUrl, databasePath, sections: { encryption, ...sections } });
  const routes = (made.settings.routes as unknown as RouteSettings[]).map((route) =>
    route.kafkaTopic === made.eventsTopic ? { ...route, encrypted: true } : route,
  );
  return { ...made, settings: { ...made.settings, routes } };
}

const connect = (gateway: GatewayProcess, vehicle: string) =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
    protocolVersion: 5,
    clientId: `dev-${vehicle}`,
    username: `dev-${vehicle}`,
    password: secrets.get(`dev-${vehicle}`) ?? '',
    reconnectPeriod: 0,
  });

const publish = (client: mqtt.MqttClient, vehicle: string, payload: Buffer) =>
  client.publishAsync(`v1/vehicles/${vehicle}/telemetry`, payload, { qos: 1 }).then(
    () => 0,
    (error: { code?: number }) => error.code ?? -1,
  );

/** What a consumer with these keys makes of a record: its value, or the code of the failure. */
function open(topic: string, record: ReadRecord, find = (id: string) => keys.get(id)): Buffer | string {
  const headers = Object.entries(record.headers).map(([name, text]) => [name, Buffer.from(text)] as const);
  try {
    return new RecordDecrypter(find).decrypt({ topic, key: Buffer.from(record.key), value: record.value, headers });
  } catch (error) {
    if (error instanceof DecryptionError) return error.code;
    throw error;
  }
}

/** Nothing that is in a key may stand in what a gateway tells. */
async function expectNoKeys(gateway: GatewayProcess, printed = ''): Promise<void> {
  const metrics = await fetch(`${gateway.adminUrl}/metrics`).then((answer) => answer.text());
  const told = `${JSON.stringify(gateway.log)}${metrics}${printed}`;
  for (const key of keys.values()) {
    for (const text of [key.toString('base64'), key.toString('hex'), key.toString('base64url')]) {
      expect(told).not.toContain(text.slice(0, 16));
    }
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encryption-'));
  databasePath = join(folder, 'devices.sqlite');
  secrets = await registerDevices(
    databasePath,
    vehicles.map((vehicle) => ({ deviceId: `dev-${vehicle}`, kind: 'vehicle', boundTo: vehicle })),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a gateway with encrypted routes', () => {
  const perVehicle = 150;
  let made: GatewaySettings;
  let records: ReadRecord[];
  let keysFile: string;

  beforeAll(async () => {
    keysFile = await writeKeys('keys.yaml', ['k1']);
    made = encryptedSettings(keysFile);
    await using gateway = await GatewayProcess.start(made.settings);
    const clients = await Promise.all(vehicles.map((vehicle) => connect(gateway, vehicle)));
    const sendAll = async (from: number, to: number) => {
      const answers = vehicles.map(async (vehicle, index) => {
        for (let sequence = from; sequence < to; sequence++) {
          const code = await publish(clients[index] as mqtt.MqttClient, vehicle, telemetryPayload(vehicle, sequence));
          expect(code).toBe(0);
        }
      });
      await Promise.all(answers);
    };
    await sendAll(0, 50);
    // Exchanged while devices publish.
    const sending = sendAll(50, 100);
    await writeKeys('keys.yaml', ['k1', 'k2']);
    await sending;
    const loaded = () =>
      gateway.log.some(({ event, current }) => event === 'encryption_keys_loaded' && current === 'k2');
    await waitFor(loaded, { deadlineMs: 15_000, what: 'the new key' });
    await sendAll(100, 125);
    // A file that can't be used changes nothing.
    await writeFile(keysFile, 'current: k9');
    gateway.kill('SIGHUP');
    const refused = () =>
      gateway.log.some(({ event, code }) => event === 'encryption_keys_refused' && code === 'keys_malformed');
    await waitFor(refused, { deadlineMs: 10_000, what: 'the refusal' });
    await sendAll(125, perVehicle);
    await writeKeys('keys.yaml', ['k1', 'k2']);
    await publish(clients[0] as mqtt.MqttClient, 'veh-1', telemetryPayload('veh-1', 9999, { batteryLevel: 77.125 }));
    await (clients[0] as mqtt.MqttClient).publishAsync('v1/vehicles/veh-1/commands/c-1/ack', Buffer.from('plain ack'), {
      qos: 1,
    });
    await Promise.all(clients.map((client) => client.endAsync()));
    expect(await gateway.metric('edge_encryption_keys')).toBe(2);
    const settings = join(folder, 'gateway.yaml');
    await writeFile(settings, stringify(made.settings));
    const printed = await runCommand('gateway/main.ts', ['--config', settings, '--print-config']);
    expect(printed.out).toContain('keysFile');
    await expectNoKeys(gateway, printed.out);
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
    records = await readTopic(bootstrap, made.eventsTopic);
  });

  it('writes every acknowledged record once, in order, all of them readable, under the old key and then the new one', async () => {
    expect(records).toHaveLength(vehicles.length * perVehicle);
    const sequences = new Map<string, number[]>();
    const ids = new Set<string | undefined>();
    for (const record of records) {
      const value = open(made.eventsTopic, record);
      if (typeof value === 'string') throw new Error(`${record.headers.ce_id}: ${value}`);
      const event = await decodeWithRegistry(registryUrl, value);
      expect(event.vehicleId).toBe(record.key);
      expect(record.value?.includes(record.key)).toBe(false);
      sequences.set(record.key, [...(sequences.get(record.key) ?? []), Number(event.sequence)]);
      ids.add(record.headers.enc_key_id);
    }
    const expected = Array.from({ length: perVehicle }, (_, sequence) => sequence);
    for (const vehicle of vehicles) expect(sequences.get(vehicle)).toEqual(expected);
    expect(ids).toEqual(new Set(['k1', 'k2']));
    expect(new Set(records.map(({ headers }) => `${headers.enc_salt} ${headers.enc_nonce}`)).size).toBe(records.length);
  });

  it('writes nothing that opens with another key, changed, or in the place of another', () => {
    const [first, second] = records.filter(({ key }) => key === 'veh-1') as [ReadRecord, ReadRecord];
    const other = records.find(({ key }) => key === 'veh-2') as ReadRecord;
    const changed = Buffer.from(first.value ?? []);
    changed.writeUInt8(changed.readUInt8(5) ^ 1, 5);
    expect(open(made.eventsTopic, first, () => randomBytes(32))).toBe('not_authentic');
    expect(open(made.eventsTopic, first, () => undefined)).toBe('unknown_key');
    expect(open(made.eventsTopic, { ...first, value: changed })).toBe('not_authentic');
    expect(open(made.rawTopic, first)).toBe('not_authentic');
    expect(open(made.eventsTopic, { ...first, key: other.key })).toBe('not_authentic');
    const moved = { ...first, headers: { ...first.headers, ce_id: second.headers.ce_id as string } };
    expect(open(made.eventsTopic, moved)).toBe('not_authentic');
  });

  it('leaves the records of other routes as they are', async () => {
    const [record] = await readTopic(bootstrap, made.rawTopic);
    expect(record?.value?.toString()).toBe('plain ack');
    expect(record?.headers.enc_algorithm).toBeUndefined();
  });

  it('writes dead letters that show neither the payload nor what was wrong in it, and that open', async () => {
    const letters = await readTopic(bootstrap, made.deadLetterTopic);
    const letter = letters[0] as ReadRecord;
    expect(letters).toHaveLength(1);
    expect(JSON.stringify(letter.headers)).not.toContain('77.125');
    expect(letter.headers.dlq_reason).toBe('invalid_field');
    expect(open(made.deadLetterTopic, letter)).toEqual(expect.any(Buffer));

    const config = join(folder, 'gateway.yaml');
    const shown = await runCommand('dead-letters/main.ts', [
      'show',
      `${letter.partition}:${letter.offset}`,
      '--config',
      config,
    ]);
    expect(shown.out).toContain('77.125');
    const closed = join(folder, 'closed.yaml');
    const { encryption: _encryption, ...others } = made.settings;
    const routes = (made.settings.routes as unknown as RouteSettings[]).map((route) => ({
      ...route,
      encrypted: false,
    }));
    await writeFile(closed, stringify({ ...others, routes }));
    const unopened = await runCommand('dead-letters/main.ts', [
      'show',
      `${letter.partition}:${letter.offset}`,
      '--config',
      closed,
    ]);
    expect(unopened.out).toContain('impossible: it is encrypted');
    expect(unopened.out).not.toContain('77.125');
  });

  it('is read by npm run decrypt, which gives out nothing that is not authentic', async () => {
    const choice = ['--kafka', bootstrap.join(','), '--keys', keysFile];
    const whole = await runCommand('decoder/main.ts', [...choice, '--topic', made.eventsTopic]);
    expect(whole.code).toBe(0);
    const lines = whole.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; value: string });
    expect(lines).toHaveLength(records.length);
    const event = await decodeWithRegistry(registryUrl, Buffer.from(lines[0]?.value ?? '', 'base64'));
    expect(event.vehicleId).toBe(lines[0]?.key);

    // A copy, as a replay makes it; one that was moved to another vehicle; one that was changed; and a plain one.
    const copies = await createTopic(bootstrap, { partitions: 1 });
    const [good] = records as [ReadRecord];
    const forged = Buffer.from(good.value ?? []).fill(0, 3, 4);
    const producer = new kafkajs.Kafka({ brokers: bootstrap, logLevel: kafkajs.logLevel.NOTHING }).producer();
    await producer.connect();
    await producer.send({
      topic: copies,
      messages: [
        { key: good.key, value: good.value, headers: good.headers },
        { key: 'veh-9', value: good.value, headers: good.headers },
        { key: good.key, value: forged, headers: good.headers },
        { key: good.key, value: 'plain' },
      ],
    });
    await producer.disconnect();
    const copied = await runCommand('decoder/main.ts', [
      ...choice,
      '--topic',
      copies,
      '--written-for',
      made.eventsTopic,
    ]);
    expect(copied.code).toBe(1);
    expect(
      copied.out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { offset: number }).offset),
    ).toEqual([0]);
    expect(JSON.parse(copied.err.trimEnd().split('\n').at(-1) as string)).toMatchObject({
      records: 4,
      opened: 1,
      failed: { not_authentic: 2, not_encrypted: 1 },
    });
    const elsewhere = await runCommand('decoder/main.ts', [...choice, '--topic', copies]);
    expect(elsewhere).toMatchObject({ code: 1, out: '' });
    const wrong = await writeKeys('wrong.yaml', ['k1']);
    await writeFile(wrong, stringify({ current: 'k1', keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] }));
    const refused = await runCommand('decoder/main.ts', [
      '--kafka',
      bootstrap.join(','),
      '--keys',
      wrong,
      '--topic',
      made.eventsTopic,
    ]);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/"not_authentic"/);
  });

  it('has its dead letters replayed into encrypted records', async () => {
    const config = join(folder, 'gateway.yaml');
    const routes = (made.settings.routes as unknown as RouteSettings[]).filter(
      ({ deviceKind }) => deviceKind === 'bay',
    );
    {
      await using gateway = await GatewayProcess.start({ ...made.settings, routes });
      const client = await connect(gateway, 'veh-1');
      expect(await publish(client, 'veh-1', telemetryPayload('veh-1', 5000))).toBe(0x90);
      await client.endAsync();
    }
    const { figures } = await runCommand('dead-letters/main.ts', [
      'replay',
      '--config',
      config,
      '--reason',
      'no_route',
    ]);
    expect(figures).toMatchObject({ letters: 1, accepted: 1 });
    const replayed = (await readTopic(bootstrap, made.eventsTopic)).filter(({ headers }) => headers.ce_replayattempt);
    const value = open(made.eventsTopic, replayed[0] as ReadRecord);
    if (typeof value === 'string') throw new Error(value);
    expect(await decodeWithRegistry(registryUrl, value)).toMatchObject({ vehicleId: 'veh-1', sequence: 5000 });

    // Beside its two letters the topic has notes now: of the round that began and ended, and of the one letter.
    const choice = ['--kafka', bootstrap.join(','), '--keys', keysFile, '--topic', made.deadLetterTopic];
    const read = await runCommand('decoder/main.ts', choice);
    expect(JSON.parse(read.err.trimEnd().split('\n').at(-1) as string)).toEqual({
      topic: made.deadLetterTopic,
      records: 5,
      opened: 2,
      plain: 0,
      notes: 3,
      failed: {},
    });
    expect({ code: read.code, lines: read.out.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 2 });
  });
});

describe('a gateway whose spool is encrypted', () => {
  it('loses nothing when it is killed, and leaves nothing on the disk to be read', async () => {
    const keysFile = await writeKeys('spool-keys.yaml', ['k1']);
    const directory = join(folder, 'spool');
    const sections = {
      encryption: { keysFile },
      // Kafka is not there until the second start.
      spool: { mode: 'always', directory, encrypted: true },
      kafka: { bootstrapBrokers: ['127.0.0.1:1'] },
    };
    const spooling = gatewaySettings({ bootstrap, registryUrl, databasePath, sections });
    {
      await using gateway = await GatewayProcess.start(spooling.settings);
      const client = await connect(gateway, 'veh-2');
      for (let sequence = 0; sequence < 20; sequence++) {
        expect(await publish(client, 'veh-2', telemetryPayload('veh-2', sequence))).toBe(0);
      }
      gateway.kill('SIGKILL');
      await gateway.exited();
    }
    const segments = readdirSync(directory).filter((name) => name.endsWith('.segment'));
    expect(segments.length).toBeGreaterThan(0);
    for (const name of segments) expect(readFileSync(join(directory, name)).includes('veh-2')).toBe(false);

    await writeKeys('spool-keys.yaml', ['k1', 'k2']);
    const kafka = { ...(spooling.settings.kafka as object), bootstrapBrokers: bootstrap };
    await using gateway = await GatewayProcess.start({ ...spooling.settings, kafka });
    await waitFor(async () => (await gateway.metric('edge_spool_records')) === 0, {
      deadlineMs: 20_000,
      what: 'the replay',
    });
    const records = await readTopic(bootstrap, spooling.eventsTopic);
    const events = await Promise.all(records.map(({ value }) => decodeWithRegistry(registryUrl, value)));
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 20 }, (_, index) => index));
    await expectNoKeys(gateway);
  });
});

describe('a gateway that finds in its spool what is plain, of before its routes were encrypted', () => {
  it('encrypts it on its way to Kafka, letters included, and says so', async () => {
    const keysFile = await writeKeys('backlog-keys.yaml', ['k1']);
    // Kafka is not there until the second start.
    const kafka = { bootstrapBrokers: ['127.0.0.1:1'] };
    const spool = { mode: 'always', directory: join(folder, 'plain-spool') };
    const made = encryptedSettings(keysFile, { spool, kafka });
    const { encryption: _encryption, routes, ...others } = made.settings;
    const invalid = telemetryPayload('veh-1', 9999, { batteryLevel: 77.125 });
    const plainRoutes = (routes as unknown as RouteSettings[]).map((route) => ({ ...route, encrypted: false }));
    {
      await using gateway = await GatewayProcess.start({ ...others, routes: plainRoutes });
      const client = await connect(gateway, 'veh-1');
      for (let sequence = 0; sequence < 10; sequence++) {
        expect(await publish(client, 'veh-1', telemetryPayload('veh-1', sequence))).toBe(0);
      }
      await publish(client, 'veh-1', invalid);
      gateway.kill('SIGKILL');
      await gateway.exited();
    }
    const there = { ...(made.settings.kafka as object), bootstrapBrokers: bootstrap };
    await using gateway = await GatewayProcess.start({ ...made.settings, kafka: there });
    await waitFor(async () => (await gateway.metric('edge_spool_records')) === 0, {
      deadlineMs: 20_000,
      what: 'the replay',
    });
    const records = await readTopic(bootstrap, made.eventsTopic);
    const values = records.map((record) => open(made.eventsTopic, record));
    const events = await Promise.all(values.map((value) => decodeWithRegistry(registryUrl, value as Buffer)));
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 10 }, (_, index) => index));
    const [letter] = (await readTopic(bootstrap, made.deadLetterTopic)) as [ReadRecord];
    expect(JSON.stringify(letter.headers)).not.toContain('77.125');
    expect(open(made.deadLetterTopic, letter)).toEqual(invalid);
    expect(await gateway.metric('edge_spool_plain_records_encrypted_total')).toBe(11);
    expect(gateway.find('spool_plain_records_encrypted')).toBeDefined();
  });
});

describe('a gateway without usable keys', () => {
  it.each<[what: string, file: () => Promise<string>, says: RegExp]>([
    [
      'is missing',
      async () => join(folder, 'no-keys.yaml'),
      /no-keys\.yaml can't be read \(ENOENT\).*encryption\.keysFile/,
    ],
    [
      'is open to others',
      () => writeKeys('open.yaml', ['k1'], 0o644),
      /open\.yaml is open to others \(mode 644\): chmod 600/,
    ],
  ])('does not start when the file %s, and says what to do', async (_what, file, says) => {
    await using gateway = await GatewayProcess.spawn(encryptedSettings(await file()).settings);
    expect(await gateway.exited()).toBe(1);
    await waitFor(() => gateway.log.some(({ event }) => event === 'plain_text'), {
      deadlineMs: 5000,
      what: 'the reason',
    });
    expect(
      gateway.log
        .filter(({ event }) => event === 'plain_text')
        .map(({ text }) => text)
        .join('\n'),
    ).toMatch(says);
    expect(gateway.find('gateway_ready')).toBeUndefined();
  });
});
