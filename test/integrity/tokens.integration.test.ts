import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { expect, it, onTestFinished } from 'vitest';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { KeyServer } from '../support/key-server.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { TokenIssuer } from '../support/token-issuer.ts';
import { waitFor } from '../support/wait-for.ts';

const { bootstrap, registryUrl } = sharedServers();
const devices = ['dev-1', 'dev-2', 'dev-3'].map((deviceId) => ({
  deviceId,
  kind: 'vehicle' as const,
  boundTo: deviceId.replace('dev', 'veh'),
}));
const badCredentials = { code: 0x86 };
const notAuthorized = 0x87;
const maximumConnectTime = 0xa0;

/** A gateway that takes tokens of an issuer, whose key set is served beside it. */
async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const databasePath = join(folder, 'devices.sqlite');
  const secrets = await registerDevices(databasePath, devices);
  const issuer = new TokenIssuer().addKey('k-1').addKey('r-1', 'RS256');
  const keys = await KeyServer.start(() => issuer.jwks);
  onTestFinished(() => keys[Symbol.asyncDispose]());
  const tokens = {
    jwksUrl: keys.url,
    issuer: issuer.issuer,
    audience: issuer.audience,
    clockToleranceSeconds: 0,
    refreshSeconds: 3600,
    retrySeconds: 1,
  };
  const { settings } = gatewaySettings({
    bootstrap,
    registryUrl,
    databasePath,
    sections: {
      listeners: [{ name: 'devices', host: '127.0.0.1', port: 0, auth: 'registry', credentials: 'either' }],
      identity: { tokens },
    },
  });
  const gateway = await GatewayProcess.start(settings);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const connect = async (deviceId: string, password: string, options: object = {}): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: deviceId,
      username: deviceId,
      password,
      reconnectPeriod: 0,
      ...options,
    });
    onTestFinished(() => void client.end(true));
    return client;
  };
  return { gateway, issuer, keys, connect, secrets };
}

const report = (client: MqttClient, vehicleId: string, sequence: number) =>
  client.publishAsync(`v1/vehicles/${vehicleId}/telemetry`, telemetryPayload(vehicleId, sequence), { qos: 1 });

it('lets devices in by tokens of keys that rotate, keeps forged ones out, and drops no session for it', async () => {
  const { gateway, issuer, keys, connect, secrets } = await start();
  const old = await issuer.sign('dev-1');
  const live = await connect('dev-1', old);
  await report(live, 'veh-1', 1);
  await connect('dev-3', secrets.get('dev-3') ?? '');

  const pem = issuer.publicKey('r-1').export({ format: 'pem', type: 'spki' });
  const forged: [string, string][] = [
    ['algorithm_not_allowed', issuer.forge('dev-2', { alg: 'none', kid: 'k-1' }, () => '')],
    [
      'algorithm_not_allowed',
      issuer.forge('dev-2', { alg: 'HS256', kid: 'r-1' }, (signed) =>
        createHmac('sha256', pem).update(signed).digest('base64url'),
      ),
    ],
    ['bad_signature', await new TokenIssuer().addKey('k-1').sign('dev-2')],
    ['header_not_allowed', await issuer.sign('dev-2', { header: { jku: keys.url } })],
    ['unknown_key', await issuer.sign('dev-2', { header: { kid: '../../k-1\r\n' } })],
    ['wrong_device', old],
    ['expired', await issuer.sign('dev-2', { claims: { exp: 1_700_000_000 } })],
  ];
  for (const [, token] of forged) await expect(connect('dev-2', token)).rejects.toMatchObject(badCredentials);
  for (const reason of new Set(forged.map(([each]) => each))) {
    const expected = forged.filter(([each]) => each === reason).length;
    expect(await gateway.metric('edge_identity_tokens_rejected_total', { reason })).toBe(expected);
  }

  issuer.addKey('k-2');
  for (const keyId of ['k-1', 'r-1']) issuer.removeKey(keyId);
  const renewed = await issuer.sign('dev-2');
  await waitFor(() => connect('dev-2', renewed), { deadlineMs: 30_000, what: 'a token of the new key to be taken' });
  await expect(connect('dev-1', old)).rejects.toMatchObject(badCredentials);
  await report(live, 'veh-1', 2);

  keys.answer = (_request, response) => void response.writeHead(500).end();
  gateway.kill('SIGHUP');
  await waitFor(async () => (await gateway.metric('edge_identity_token_key_failures_total')) > 0, {
    deadlineMs: 30_000,
    what: 'the failing key set to be noticed',
  });
  await connect('dev-2', renewed);
  await report(live, 'veh-1', 3);

  const written = JSON.stringify(gateway.log);
  for (const token of [old, renewed, ...forged.map(([, each]) => each)]) {
    for (const part of token.split('.').filter((each) => each !== '')) expect(written).not.toContain(part);
  }
});

it('ends a live session within 5 s of the end of its token, and takes it up again with a new one', async () => {
  const { gateway, issuer, connect } = await start();
  const persistent = { clean: false, properties: { sessionExpiryInterval: 600 } };
  const exp = Math.floor(Date.now() / 1000) + 4;
  const short = await issuer.sign('dev-1', { claims: { exp } });
  const client = await connect('dev-1', short, persistent);
  const untouched = await connect('dev-2', await issuer.sign('dev-2'));
  const told: unknown[] = [];
  client.on('disconnect', ({ reasonCode }) => told.push(reasonCode));
  await report(client, 'veh-1', 1);
  expect(told).toEqual([]);
  await waitFor(() => told.length > 0, {
    deadlineMs: exp * 1000 + 5000 - Date.now(),
    what: 'the session to be ended',
  });
  expect(told).toEqual([maximumConnectTime]);
  await expect(connect('dev-1', short, persistent)).rejects.toMatchObject(badCredentials);
  expect(await gateway.metric('edge_mqtt_connections_closed_total', { reason: 'credentials_expired' })).toBe(1);
  await report(untouched, 'veh-2', 1);

  const again = await connect('dev-1', await issuer.sign('dev-1'), persistent);
  await report(again, 'veh-1', 2);
});

it('lets a live session outlive its token by re-authentication, and not by a forged one', async () => {
  const { issuer, connect } = await start();
  const exp = Math.floor(Date.now() / 1000) + 4;
  const short = await issuer.sign('dev-1', { claims: { exp } });
  const enhanced = { properties: { authenticationMethod: 'JWT', authenticationData: Buffer.from(short) } };
  const client = await connect('dev-1', '', enhanced);
  const reauthenticated = Promise.withResolvers<void>();
  client.handleAuth = (packet, callback) => {
    if (packet.reasonCode === 0) reauthenticated.resolve();
    callback();
  };
  const sendToken = (token: string) =>
    client.stream.write(
      generate(
        {
          cmd: 'auth',
          reasonCode: 0x19,
          properties: { authenticationMethod: 'JWT', authenticationData: Buffer.from(token) },
        },
        { protocolVersion: 5 },
      ),
    );
  sendToken(await issuer.sign('dev-1'));
  await reauthenticated.promise;
  await waitFor(() => Date.now() > exp * 1000 + 3000, { deadlineMs: 15_000, what: 'the first token to expire' });
  await report(client, 'veh-1', 1);

  const told: unknown[] = [];
  client.on('disconnect', ({ reasonCode }) => told.push(reasonCode));
  sendToken(await new TokenIssuer().addKey('k-1').sign('dev-1'));
  await waitFor(() => told.length > 0, { deadlineMs: 15_000, what: 'the session to be ended' });
  expect(told).toEqual([notAuthorized]);
});
