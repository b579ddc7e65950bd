import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { KeyServer } from '../support/key-server.ts';
import type { SharedServers } from '../support/servers.ts';
import { TokenIssuer } from '../support/token-issuer.ts';
import { type AdministrationTokens, prepareTokens } from './administration-tokens.ts';

/** Attackers that have credentials of their own: one device each, so that nobody takes over another's session. */
export const attackers = 24;
export const attacker = (slot: number) => ({ deviceId: `dev-attacker-${slot}`, vehicleId: `veh-attacker-${slot}` });
export const honest = { deviceId: 'dev-honest', vehicleId: 'veh-honest' } as const;
/**
 * Devices that requests of administration disable, rotate and remove: nobody ever logs in as one. The first half of them is
 * registered, the others may be.
 */
const victims = 128;
export const victim = (index: number): string => `dev-victim-${index % victims}`;

interface BesiegedPorts {
  /** Devices with passwords. */
  readonly devices: number;
  readonly tokens: number;
  /** Certificates or passwords over TLS. */
  readonly secure: number;
  /** Passwords behind a load balancer, as whom the test itself comes. */
  readonly proxied: number;
  /** Passwords over WebSocket. */
  readonly webSocket: number;
  readonly proxiedWebSocket: number;
  /** Health and metrics. */
  readonly http: number;
  readonly administration: number;
}

/**
 * A real gateway with every way in that there is: passwords, tokens, certificates; over TCP and WebSocket, also behind a load
 * balancer; health and metrics, administration.
 */
export interface BesiegedGateway extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly ports: BesiegedPorts;
  readonly eventsTopic: string;
  readonly auditPath: string;
  readonly authority: DevelopmentAuthority;
  readonly issuer: TokenIssuer;
  readonly passwords: ReadonlyMap<string, string>;
  /** Of administration. */
  readonly tokens: AdministrationTokens;
  /** What no peer may ever be told; topics only those who may read metrics, which name them. */
  readonly secrets: readonly string[];
  readonly topics: readonly string[];
}

/** @param execArgv arguments of Node for the gateway. */
export async function startBesiegedGateway(
  { bootstrap, registryUrl }: SharedServers,
  execArgv: readonly string[] = [],
): Promise<BesiegedGateway> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'besieged-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = await DevelopmentAuthority.create(join(folder, 'authority'));
  const issuer = new TokenIssuer().addKey('k-1').addKey('r-1', 'RS256');
  const keys = stack.use(await KeyServer.start(() => issuer.jwks));
  const databasePath = join(folder, 'devices.sqlite');
  const owners = [
    honest,
    ...Array.from({ length: attackers }, (_, slot) => attacker(slot)),
    ...Array.from({ length: victims / 2 }, (_, index) => ({
      deviceId: victim(index),
      vehicleId: `veh-victim-${index}`,
    })),
  ];
  const passwords = await registerDevices(
    databasePath,
    owners.map(({ deviceId, vehicleId }) => ({ deviceId, kind: 'vehicle', boundTo: vehicleId })),
  );
  const tokensPath = join(folder, 'admin-tokens.sqlite');
  const tokens = prepareTokens(tokensPath);
  const auditFolder = join(folder, 'audit');
  const { settings, eventsTopic, deadLetterTopic } = gatewaySettings({
    bootstrap,
    registryUrl,
    databasePath,
    sections: {
      listeners: await listenersWith(authority),
      identity: { tokens: { jwksUrl: keys.url, issuer: issuer.issuer, audience: issuer.audience } },
      deadLetters: { burstPerDevice: 50 },
      // Each slot connects as its device again and again, and each of these connections is to be looked into.
      limits: { connects: { perSecondPerDevice: 1_000, burstPerDevice: 10_000 } },
      administration: {
        enabled: true,
        port: 0,
        tokensPath,
        audit: { directory: auditFolder, denialsPerMinute: 10_000 },
      },
    },
  });
  const gateway = stack.use(await GatewayProcess.spawn(settings, {}, [], execArgv));
  await gateway.untilReady();
  const opened = stack.move();
  return {
    gateway,
    ports: portsOf(gateway),
    eventsTopic,
    auditPath: join(auditFolder, 'audit.jsonl'),
    authority,
    issuer,
    passwords,
    tokens,
    topics: [eventsTopic, deadLetterTopic],
    secrets: [
      ...[folder, eventsTopic, deadLetterTopic, ...bootstrap, registryUrl, keys.url],
      ...passwords.values(),
      ...Object.values(tokens),
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const portsOf = (gateway: GatewayProcess): BesiegedPorts => ({
  devices: gateway.mqttPort('devices'),
  tokens: gateway.mqttPort('tokens'),
  secure: gateway.mqttPort('secure'),
  proxied: gateway.mqttPort('proxied'),
  webSocket: gateway.mqttPort('web-socket'),
  proxiedWebSocket: gateway.mqttPort('proxied-web-socket'),
  http: Number(new URL(gateway.adminUrl).port),
  administration: Number(gateway.find('administration_listening')?.port),
});

async function listenersWith(authority: DevelopmentAuthority): Promise<object[]> {
  const { certFile, keyFile } = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 2 });
  const tls = {
    certFile,
    keyFile,
    clientCaFile: authority.certFile,
    crlFiles: [authority.crlPath],
    clientCertificates: 'optional',
    certificateSuffices: true,
  };
  const here = { host: '127.0.0.1', port: 0, auth: 'registry' };
  const proxyProtocol = { from: ['127.0.0.1'] };
  return [
    { ...here, name: 'devices' },
    { ...here, name: 'tokens', credentials: 'token' },
    { ...here, name: 'secure', tls },
    { ...here, name: 'proxied', proxyProtocol },
    { ...here, name: 'web-socket', transport: 'websocket' },
    { ...here, name: 'proxied-web-socket', transport: 'websocket', proxyProtocol },
  ];
}
