import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { runCommand } from '../support/run-command.ts';
import {
  changePassword,
  type Listener,
  otherName,
  type SecuredKafka,
  startSecuredKafka,
  unsecuredToken,
  users,
} from '../support/secured-kafka.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { TestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';

const { registryUrl } = sharedServers();
const mqttTopic = 'v1/vehicles/veh-1/telemetry';
let folder: string;
let secured: SecuredKafka;
let adminFile: string;
/** Every secret of this file; none of them may be seen anywhere. */
const secrets = new Set<string>([users.scram.password, users.plain.password]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-security-'));
  secured = await startSecuredKafka(join(folder, 'kafka'));
  adminFile = await write('admin.yaml', stringify({ kafka: { bootstrapBrokers: [secured.plaintext] } }));
});
afterAll(async () => {
  await secured?.kafka.close();
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

const awsKeys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: newSecret() };

/** A secret that nobody else knows. */
function newSecret(): string {
  const secret = randomBytes(20).toString('hex');
  secrets.add(secret);
  return secret;
}

const iamSettings = (): object => ({
  tls: tls(),
  sasl: { mechanism: 'OAUTHBEARER', oauth: { awsMsk: { region: 'eu-central-1' } } },
});

const tls = (): object => ({ enabled: true, caFile: secured.caFile });

function settingsFor(address: string, kafka: object): GatewaySettings {
  return gatewaySettings({ bootstrap: [address], registryUrl, auth: 'anonymous', partitions: 2, sections: { kafka } });
}

/** SCRAM-SHA-512 with a password file of its own. */
async function scramSettings(listener: Listener, password: string, changes: object = {}): Promise<GatewaySettings> {
  secrets.add(password);
  const passwordFile = await write('password', `${password}\n`);
  const sasl = { mechanism: 'SCRAM-SHA-512', userName: users.scram.name, passwordFile };
  return settingsFor(secured.address(listener), { tls: tls(), sasl, ...changes });
}

/** Grants what the settings need, as an administrator. */
async function grant(made: GatewaySettings, ...more: string[]) {
  const config = await write('granted.yaml', stringify(made.settings));
  return runCommand('topics/main.ts', ['acls', '--config', config, '--connect', adminFile, ...more]);
}

async function publish(gateway: GatewayProcess, ...sequences: number[]): Promise<void> {
  const url = `mqtt://127.0.0.1:${gateway.mqttPort()}`;
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, clientId: 'client-1', reconnectPeriod: 0 });
  for (const sequence of sequences)
    await client.publishAsync(mqttTopic, telemetryPayload('veh-1', sequence), { qos: 1 });
  await client.endAsync();
}

const sequencesOn = async (topic: string): Promise<number[]> =>
  (await readTopic([secured.plaintext], topic)).map(({ headers }) => Number(headers.ce_id?.split(':').at(-1)));

async function reasons(gateway: GatewayProcess): Promise<readonly string[]> {
  const answer = await fetch(`${gateway.adminUrl}/readyz`);
  return ((await answer.json()) as { reasons: string[] }).reasons;
}

async function untilReason(gateway: GatewayProcess, reason: string): Promise<void> {
  await waitFor(async () => (await reasons(gateway)).includes(reason), {
    deadlineMs: 40_000,
    what: () => `${reason}: ${JSON.stringify(gateway.log.slice(-5))}`,
  });
}

const untilReady = (gateway: GatewayProcess): Promise<unknown> =>
  waitFor(async () => gateway.find('gateway_ready') !== undefined && (await reasons(gateway)).length === 0, {
    deadlineMs: 60_000,
    what: () => `readiness: ${JSON.stringify(gateway.log.slice(-5))}`,
  });

async function expectNoSecretSeen(gateway: GatewayProcess): Promise<void> {
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const seen = `${JSON.stringify(gateway.log)}\n${metrics}`;
  for (const secret of secrets) expect(seen.includes(secret)).toBe(false);
}

describe('a gateway with permissions that it is given while it runs', () => {
  it('waits for them, named, then acknowledges over SASL_SSL with SCRAM-SHA-512; what acls grants is all that it needs', async () => {
    const made = await scramSettings('LOGIN', users.scram.password);
    await using gateway = await GatewayProcess.spawn(made.settings);
    await waitFor(() => gateway.find('admin_listening'), { deadlineMs: 30_000, what: 'health' });
    await untilReason(gateway, 'kafka_not_authorized');

    expect(await grant(made)).toMatchObject({ code: 3, figures: { applied: 0 } });
    expect(await grant(made, '--apply')).toMatchObject({ code: 0, figures: { left: 0 } });
    expect(await grant(made, '--apply')).toMatchObject({ code: 0, figures: { missing: 0, applied: 0 } });

    await untilReady(gateway);
    await publish(gateway, 1, 2);
    expect(await sequencesOn(made.eventsTopic)).toEqual([1, 2]);
    await expectNoSecretSeen(gateway);
  });

  it('keeps what is published while one is taken away, and loses nothing when it is granted again', async () => {
    const made = await scramSettings('LOGIN', users.scram.password);
    await grant(made, '--apply');
    await using gateway = await GatewayProcess.start(made.settings);
    await publish(gateway, 1);
    await revoke(made.eventsTopic);
    let answered = false;
    const pending = publish(gateway, 2, 3).then(() => {
      answered = true;
    });
    await untilReason(gateway, 'kafka_not_authorized');
    expect(answered).toBe(false);
    expect(
      gateway.log.find(({ event, code }) => event === 'kafka_access_refused' && code === 'topic_not_authorized'),
    ).toBeDefined();

    await grant(made, '--apply');
    await pending;
    await untilReady(gateway);
    expect(await sequencesOn(made.eventsTopic)).toEqual([1, 2, 3]);
  });
});

async function revoke(topic: string): Promise<void> {
  const admin = new Admin({ clientId: 'test-acls', bootstrapBrokers: [secured.plaintext] });
  try {
    await admin.deleteAcls({
      filters: [
        {
          resourceType: ResourceTypes.TOPIC,
          resourceName: topic,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: `User:${users.scram.name}`,
          host: null,
          operation: AclOperations.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    });
  } finally {
    await admin.close();
  }
}

describe('copies of audit records whose topic Kafka refuses', () => {
  it('wait, counted, while the gateway is ready and acknowledges telemetry, and are written when it is granted', async () => {
    const made = await scramSettings('LOGIN', users.scram.password);
    const topic = made.eventsTopic.replace('events.raw', 'gateway.audit');
    const audit = { directory: join(folder, 'audit'), topic };
    const administration = { enabled: true, port: 0, tokensPath: join(folder, 'tokens.sqlite'), audit };
    const administered = { ...made, settings: { ...made.settings, administration } };
    await grant(administered, '--apply');
    await revoke(topic);
    await using gateway = await GatewayProcess.start(administered.settings);
    const port = String(gateway.find('administration_listening')?.port);
    expect((await fetch(`http://127.0.0.1:${port}/v1/devices`)).status).toBe(401);
    const refusals = () => gateway.metric('edge_audit_kafka_failures_total', { reason: 'topic_not_authorized' });
    await waitFor(async () => (await refusals()) > 0, { deadlineMs: 30_000, what: 'refusals' });
    await publish(gateway, 1);
    expect(await sequencesOn(made.eventsTopic)).toEqual([1]);
    expect(await gateway.metric('edge_audit_kafka_waiting_records')).toBe(1);
    await untilReady(gateway);
    expect(gateway.find('kafka_access_refused')).toBeUndefined();

    await grant(administered, '--apply');
    const written = () => gateway.metric('edge_audit_kafka_records_total', { outcome: 'written' });
    await waitFor(async () => (await written()) === 1, { deadlineMs: 30_000, what: 'the copy to be written' });
    const [copy] = await readTopic([secured.plaintext], topic);
    expect(JSON.parse(String(copy?.value))).toMatchObject({ outcome: 'denied', status: 401 });
    await expectNoSecretSeen(gateway);
  });
});

describe('a gateway that is let in', () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'a client certificate'] as const)(
    'by %s acknowledges',
    async (way) => {
      const { address, principal, kafka } = await credentials(way);
      const made = settingsFor(address, kafka);
      expect(await grant(made, '--apply', '--principal', principal)).toMatchObject({ code: 0 });
      await using gateway = await GatewayProcess.start(made.settings);
      await publish(gateway, 1);
      expect(await sequencesOn(made.eventsTopic)).toEqual([1]);
      await expectNoSecretSeen(gateway);
    },
  );

  it('by a token endpoint that takes longer than a broker is given in haste', { timeout: 60_000 }, async () => {
    const authority = await DevelopmentAuthority.create(join(folder, 'issuer'));
    const server = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 1 });
    const token = unsecuredToken('slow-gateway', 3600);
    const clientSecret = newSecret();
    secrets.add(token);
    let asked = 0;
    const options = { cert: await readFile(server.certFile), key: await readFile(server.keyFile) };
    const endpoint = createServer(options, (_request, response) => {
      asked += 1;
      const answer = JSON.stringify({ access_token: token, token_type: 'bearer', expires_in: 3600 });
      setTimeout(() => response.end(answer), 3000);
    });
    await new Promise<void>((listening) => endpoint.listen(0, '127.0.0.1', listening));
    try {
      const tokenEndpoint = `https://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
      const oauth = { tokenEndpoint, clientId: 'edge', clientSecretFile: await write('client-secret', clientSecret) };
      const kafka = { tls: tls(), sasl: { mechanism: 'OAUTHBEARER', oauth }, requestTimeoutMs: 9000 };
      const made = settingsFor(secured.address('LOGIN'), kafka);
      expect(await grant(made, '--apply', '--principal', 'User:slow-gateway')).toMatchObject({ code: 0 });
      await using gateway = await GatewayProcess.start(made.settings, { NODE_EXTRA_CA_CERTS: authority.certFile });
      await publish(gateway, 1);
      expect(await sequencesOn(made.eventsTopic)).toEqual([1]);
      // Once in haste, and once more with the time of a request.
      expect(asked).toBe(2);
      await expectNoSecretSeen(gateway);
    } finally {
      endpoint.closeAllConnections();
      await new Promise((closed) => endpoint.close(closed));
    }
  });

  async function credentials(way: string): Promise<{ address: string; principal: string; kafka: object }> {
    const address = secured.address(way === 'a client certificate' ? 'MUTUAL' : 'LOGIN');
    if (way === 'a client certificate') {
      return { address, principal: 'User:CN=edge-mutual', kafka: { tls: { ...tls(), ...secured.client } } };
    }
    if (way === 'OAUTHBEARER') {
      const token = unsecuredToken('token-gateway', 3600);
      secrets.add(token);
      const sasl = { mechanism: way, oauth: { tokenFile: await write('token', token) } };
      return { address, principal: 'User:token-gateway', kafka: { tls: tls(), sasl } };
    }
    const { name, password } = way === 'PLAIN' ? users.plain : users.scram;
    const sasl = { mechanism: way, userName: name, passwordFile: await write(`password-${name}`, password) };
    return { address, principal: `User:${name}`, kafka: { tls: tls(), sasl } };
  }
});

describe('a gateway that is not let in', () => {
  it.each([
    ['wrong password', 'login_failed', 'kafka_login_failed'],
    ['expired token', 'login_failed', 'kafka_login_failed'],
    ['IAM of AWS at a broker without it', 'login_failed', 'kafka_login_failed'],
    ['mechanism that is not offered', 'login_mechanism_refused', 'kafka_login_failed'],
    ['unreadable password file', 'credentials_unreadable', 'kafka_login_failed'],
    ['login where none is taken', 'login_not_expected', 'kafka_login_failed'],
    ['expired certificate', 'tls_expired', 'kafka_tls_failed'],
    ['wrong host name', 'tls_wrong_host', 'kafka_tls_failed'],
    ['unknown authority', 'tls_untrusted', 'kafka_tls_failed'],
    ['no client certificate', 'tls_client_refused', 'kafka_tls_failed'],
    ['plaintext to a TLS port', 'tls_required', 'kafka_tls_failed'],
    ['login in plaintext to a TLS port', 'tls_required', 'kafka_tls_failed'],
    ['TLS to a plaintext port', 'tls_not_spoken', 'kafka_tls_failed'],
  ])('for %s says %s, is not ready (%s) and keeps trying', async (wrong, code, reason) => {
    const made = await wrongSettings(wrong);
    await using gateway = await GatewayProcess.spawn(made.settings, awsKeys);
    await waitFor(() => gateway.find('admin_listening'), { deadlineMs: 30_000, what: 'health' });
    await untilReason(gateway, reason);
    const refusals = () => gateway.log.filter(({ event }) => event === 'kafka_access_refused');
    await waitFor(() => refusals().length >= 3, { deadlineMs: 30_000, what: 'further attempts' });
    expect(new Set(refusals().map((line) => line.code))).toEqual(new Set([code]));
    expect(refusals()[0]?.remedy).toBeTypeOf('string');
    expect(await gateway.metric('edge_kafka_access_refused_total', { code })).toBeGreaterThanOrEqual(3);
    expect(gateway.child.exitCode).toBeNull();
    await expectNoSecretSeen(gateway);
  });

  async function wrongSettings(wrong: string): Promise<GatewaySettings> {
    const { password } = users.scram;
    switch (wrong) {
      case 'wrong password':
        return scramSettings('LOGIN', 'not-the-password');
      case 'expired token': {
        const tokenFile = await write('token', unsecuredToken('token-gateway', -3600));
        return settingsFor(secured.address('LOGIN'), {
          tls: tls(),
          sasl: { mechanism: 'OAUTHBEARER', oauth: { tokenFile } },
        });
      }
      case 'IAM of AWS at a broker without it':
        return settingsFor(secured.address('LOGIN'), iamSettings());
      case 'mechanism that is not offered': {
        const passwordFile = await write('password-plain', users.plain.password);
        const sasl = { mechanism: 'PLAIN', userName: users.plain.name, passwordFile };
        return settingsFor(secured.address('ELSEWHERE'), { tls: { ...tls(), serverName: otherName }, sasl });
      }
      case 'unreadable password file': {
        const made = await scramSettings('LOGIN', password);
        await rm(join(folder, 'password'));
        return made;
      }
      case 'login where none is taken':
        return scramSettings('MUTUAL', password, { tls: { ...tls(), ...secured.client } });
      case 'expired certificate':
        return scramSettings('EXPIRED', password);
      case 'wrong host name':
        return scramSettings('ELSEWHERE', password);
      case 'unknown authority': {
        const caFile = await write('other-ca.pem', (await TestAuthority.create('another')).certificate);
        return scramSettings('LOGIN', password, { tls: { enabled: true, caFile } });
      }
      case 'no client certificate':
        return settingsFor(secured.address('MUTUAL'), { tls: tls() });
      case 'plaintext to a TLS port':
        return settingsFor(secured.address('MUTUAL'), {});
      case 'login in plaintext to a TLS port':
        return scramSettings('LOGIN', password, { tls: { enabled: false } });
      default:
        return settingsFor(secured.plaintext, { tls: tls() });
    }
  }
});

describe('a broker that is reached by another name than its own', () => {
  it('is verified by kafka.tls.serverName', async () => {
    const made = await scramSettings('ELSEWHERE', users.scram.password, { tls: { ...tls(), serverName: otherName } });
    expect(await grant(made, '--apply')).toMatchObject({ code: 0 });
    await using gateway = await GatewayProcess.start(made.settings);
    await publish(gateway, 1);
    expect(await sequencesOn(made.eventsTopic)).toEqual([1]);
  });
});

describe('a secret that is rotated', () => {
  it('is read from its file at the next connection; what came meanwhile is not lost', async () => {
    const made = await scramSettings('LOGIN', users.scram.password);
    await grant(made, '--apply');
    await using gateway = await GatewayProcess.start(made.settings);
    await publish(gateway, 1);

    const rotated = 'rotated-password';
    await changePassword(secured, users.scram.name, rotated);
    const [broker] = secured.kafka.brokers;
    await broker?.stop();
    await broker?.start();
    const pending = publish(gateway, 2);
    await untilReason(gateway, 'kafka_login_failed');

    await scramSettings('LOGIN', rotated);
    await pending;
    await untilReady(gateway);
    expect(await sequencesOn(made.eventsTopic)).toEqual([1, 2]);
    await expectNoSecretSeen(gateway);
  });
});

describe('administration commands', () => {
  it('connect with the settings of the gateway, say why they are not let in, and show no secret', async () => {
    const made = settingsFor(secured.address('LOGIN'), {
      tls: tls(),
      sasl: { mechanism: 'PLAIN', userName: users.plain.name, password: users.plain.password },
    });
    const config = await write('plain.yaml', stringify(made.settings));
    await grant(made, '--apply', '--for', 'dead-letters');
    await using gateway = await GatewayProcess.spawn(made.settings);
    expect(await runCommand('topics/main.ts', ['plan', '--config', config])).toMatchObject({ code: 3, err: '' });

    const refused = await write(
      'refused.yaml',
      stringify({ kafka: { ...(made.settings.kafka as object), tls: { enabled: false } } }),
    );
    const results = [
      await runCommand('topics/main.ts', ['plan', '--config', refused]),
      await runCommand('dead-letters/main.ts', ['list', '--config', refused]),
      await runCommand('replay/main.ts', ['--config', refused, '--topic', 'a', '--to-topic', 'b', '--from', '1h']),
    ];
    for (const { code, err, out } of results) {
      expect(code).toBe(1);
      expect(err).toContain('tls_required');
      expect(`${err}${out}`).not.toContain(users.plain.password);
    }
    const iam = { bootstrapBrokers: [secured.address('LOGIN')], ...iamSettings() };
    const byIam = await write('iam.yaml', stringify({ kafka: iam }));
    for (const [name, value] of Object.entries(awsKeys)) vi.stubEnv(name, value);
    const { code, err, out } = await runCommand('topics/main.ts', ['plan', '--config', byIam]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('login_failed') });
    expect(`${err}${out}`).not.toContain(awsKeys.AWS_SECRET_ACCESS_KEY);
    const main = join(import.meta.dirname, '../../gateway/main.ts');
    const printed = execFileSync(process.execPath, [main, '--config', config, '--print-config'], { encoding: 'utf8' });
    expect(printed).not.toContain(users.plain.password);
    await expectNothingLoggedOf(gateway);
  });

  async function expectNothingLoggedOf(gateway: GatewayProcess): Promise<void> {
    await waitFor(() => gateway.find('gateway_starting'), { deadlineMs: 30_000, what: 'the masked settings' });
    expect(JSON.stringify(gateway.log)).not.toContain(users.plain.password);
  }
});
