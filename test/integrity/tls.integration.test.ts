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
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, vehicleReport } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

/** What is promised of a live session whose certificate is revoked. */
const cutWithinMs = 5_000;

describe('a gateway with mutual TLS', () => {
  const { bootstrap, registryUrl } = sharedServers();
  let folder: string;
  let authority: DevelopmentAuthority;
  let gateway: GatewayProcess;
  let serverFiles: { readonly certFile: string; readonly keyFile: string };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mutual-tls-'));
    authority = await DevelopmentAuthority.create(join(folder, 'authority'));
    serverFiles = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 30 });
    const databasePath = join(folder, 'devices.sqlite');
    await registerDevices(databasePath, [
      { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' },
      { deviceId: 'dev-2', kind: 'vehicle', boundTo: 'veh-2' },
    ]);
    const tls = {
      certFile: serverFiles.certFile,
      keyFile: serverFiles.keyFile,
      clientCaFile: authority.certFile,
      crlFiles: [authority.crlPath],
      clientCertificates: 'required',
      certificateSuffices: true,
    };
    const sections = { listeners: [{ name: 'devices', host: '0.0.0.0', port: 0, tls }] };
    gateway = await GatewayProcess.start(gatewaySettings({ bootstrap, registryUrl, databasePath, sections }).settings);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** MQTT.js with the certificate of a device; only then is it known who ends the connection. */
  const connect = async (deviceId: string) => {
    const own = await authority.issue({ kind: 'device', name: deviceId, days: 1, replace: true });
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: deviceId,
      ca: readFileSync(authority.certFile),
      cert: readFileSync(own.certFile),
      key: readFileSync(own.keyFile),
      ALPNProtocols: ['mqtt'],
      reconnectPeriod: 0,
    });
    return { client, serial: own.serial };
  };
  const publish = (client: mqtt.MqttClient, vehicleId: string, sequence: number) =>
    client.publishAsync(
      `v1/vehicles/${vehicleId}/telemetry`,
      encodeMessage('VehicleTelemetry', vehicleReport(vehicleId, sequence)),
      { qos: 1 },
    );
  const linesOf = (event: string) => gateway.log.filter((line) => line.event === event);

  it('acknowledges what a device with a certificate and no password publishes for its vehicle', async () => {
    const { client } = await connect('dev-1');
    await publish(client, 'veh-1', 1);
    await client.endAsync();
    expect(await gateway.metric('edge_tls_handshakes_total', { version: 'TLSv1.3' })).toBeGreaterThan(0);
    expect(await gateway.metric('edge_identity_authenticated_total', { verification: 'certificate' })).toBe(1);
  });

  it('takes a new certificate on SIGHUP, and none that is broken, without ending a session', async () => {
    const { client } = await connect('dev-1');
    await authority.issue({ kind: 'server', name: '127.0.0.1', days: 60, replace: true });
    gateway.kill('SIGHUP');
    await waitFor(() => linesOf('tls_files_loaded').length > 1, { deadlineMs: 10_000, what: 'the new certificate' });
    await publish(client, 'veh-1', 2);

    const good = readFileSync(serverFiles.certFile, 'utf8');
    writeFileSync(serverFiles.certFile, good.slice(0, 200));
    gateway.kill('SIGHUP');
    await waitFor(() => linesOf('tls_files_refused').length > 0, { deadlineMs: 10_000, what: 'the refusal' });
    await publish(client, 'veh-1', 3);
    const second = await connect('dev-2');
    await publish(second.client, 'veh-2', 1);
    writeFileSync(serverFiles.certFile, good);
    await Promise.all([client.endAsync(), second.client.endAsync()]);
  });

  it('cuts the session of a certificate that is revoked in time, and no other', async () => {
    const revoked = await connect('dev-1');
    const good = await connect('dev-2');
    let reasonCode: number | undefined;
    revoked.client.on('disconnect', (packet) => {
      reasonCode = packet.reasonCode;
    });
    revoked.client.on('error', () => {});
    await publish(revoked.client, 'veh-1', 4);
    await authority.revoke(revoked.serial);
    await waitFor(() => !revoked.client.connected, { deadlineMs: cutWithinMs, what: 'the session to be cut' });
    expect(reasonCode).toBe(0x87);
    await publish(good.client, 'veh-2', 2);
    await good.client.endAsync();
    expect(await gateway.metric('edge_tls_revoked_ended_total')).toBe(1);
  });
});
