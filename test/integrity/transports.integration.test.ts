import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { Balancer, proxyHeader } from '../support/proxy-header.ts';
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, vehicleReport } from '../support/telemetry.ts';

describe('a gateway behind a load balancer', () => {
  const { bootstrap, registryUrl } = sharedServers();
  const secret = randomBytes(48).toString('base64');
  let folder: string;
  let authority: DevelopmentAuthority;
  let gateway: GatewayProcess;
  let balancer: Balancer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'transports-'));
    authority = await DevelopmentAuthority.create(join(folder, 'authority'));
    const { certFile, keyFile } = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 30 });
    const databasePath = join(folder, 'devices.sqlite');
    await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }]);
    const ticketSecretFile = join(folder, 'tickets.secret');
    writeFileSync(ticketSecretFile, secret, { mode: 0o600 });
    const tls = {
      certFile,
      keyFile,
      clientCaFile: authority.certFile,
      crlFiles: [authority.crlPath],
      clientCertificates: 'required',
      certificateSuffices: true,
      ticketSecretFile,
    };
    const listener = { name: 'devices', host: '127.0.0.1', port: 0, tls, transport: 'websocket' };
    const sections = { listeners: [{ ...listener, proxyProtocol: { from: ['127.0.0.1'] } }] };
    gateway = await GatewayProcess.start(gatewaySettings({ bootstrap, registryUrl, databasePath, sections }).settings);
    balancer = await Balancer.start(
      gateway.mqttPort(),
      proxyHeader({ source: [198, 51, 100, 7], checksum: true }),
      true,
    );
  });
  afterAll(async () => {
    await balancer?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = async (port: number) => {
    const own = await authority.issue({ kind: 'device', name: 'dev-1', days: 1, replace: true });
    return mqtt.connectAsync(`wss://127.0.0.1:${port}/mqtt`, {
      protocolVersion: 5,
      clientId: 'dev-1',
      ca: readFileSync(authority.certFile),
      cert: readFileSync(own.certFile),
      key: readFileSync(own.keyFile),
      reconnectPeriod: 0,
      connectTimeout: 10_000,
    });
  };

  it('acknowledges what a device with a certificate publishes over WebSocket, and knows its address', async () => {
    const client = await connect(balancer.port);
    const payload = encodeMessage('VehicleTelemetry', vehicleReport('veh-1', 1));
    await client.publishAsync('v1/vehicles/veh-1/telemetry', payload, { qos: 1 });
    await client.endAsync();
    const opened = gateway.log.find((line) => line.event === 'mqtt_connection_opened');
    expect(opened).toMatchObject({ deviceId: 'dev-1', remoteAddress: '198.51.100.7' });
    expect(await gateway.metric('edge_websocket_upgrades_total', { listener: 'devices' })).toBe(1);
    expect(await gateway.metric('edge_proxy_headers_total', { command: 'proxy' })).toBe(1);
    expect(await gateway.metric('edge_mqtt_publishes_answered_total', { qos: '1', reason: 'success' })).toBe(1);
    expect(gateway.find('mqtt_listening')).toMatchObject({ tls: true, transport: 'websocket' });
  });

  it('takes nobody who does not come by the balancer', async () => {
    await expect(connect(gateway.mqttPort())).rejects.toThrow();
    expect(await gateway.metric('edge_proxy_headers_refused_total', { reason: 'signature' })).toBe(1);
  });

  it('says of the secret of its tickets no more than an id', () => {
    expect(gateway.find('tls_files_loaded')?.ticketKeysId).toMatch(/^[0-9a-f]{8}$/);
    expect(JSON.stringify(gateway.log)).not.toContain(secret);
  });
});
