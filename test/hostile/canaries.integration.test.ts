import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { KeyServer } from '../support/key-server.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { TokenIssuer } from '../support/token-issuer.ts';
import { waitFor } from '../support/wait-for.ts';
import { type EchoServer, startEchoServer } from './echo-server.ts';

/** Unlike everything else that a gateway writes. */
const newCanary = (what: string): string => `canary-${what}-${randomBytes(9).toString('hex')}`;
const main = join(import.meta.dirname, '../../gateway/main.ts');

/** All that a gateway, or a command, has let out. */
class Outlet {
  readonly #texts: string[] = [];
  readonly #canaries = new Set<string>();

  /** Remembers a secret, in the forms in which it could get out. */
  hide<Secret extends string>(secret: Secret): Secret {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      this.#canaries.add(form);
    }
    return secret;
  }

  add(text: string): void {
    this.#texts.push(text);
  }

  /** Both outputs of a process, as they come. */
  watch({ child }: GatewayProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer | string) => this.#texts.push(String(chunk)));
    }
  }

  async scrape({ adminUrl }: GatewayProcess): Promise<void> {
    for (const path of ['/metrics', '/readyz', '/livez', '/nothing-here']) {
      this.add(await (await fetch(`${adminUrl}${path}`)).text());
    }
  }

  get text(): string {
    return this.#texts.join('');
  }

  /** Which secrets got out; as the first letters of each, so that no report repeats them. */
  get leaks(): string[] {
    const { text } = this;
    return [...this.#canaries].filter((canary) => text.includes(canary)).map((canary) => canary.slice(0, 16));
  }
}

const run = (args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (_error, out, err) => resolve(`${out}${err}`));
  });

describe('secrets', () => {
  const { bootstrap, registryUrl } = sharedServers();
  const withLogin = (url: string, password: string): string => url.replace('://', `://edge:${password}@`);
  let folder: string;
  let echo: EchoServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'canaries-'));
    echo = await startEchoServer();
  });
  afterAll(async () => {
    await echo?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Prints the settings, and has them refused for something else that is wrong. */
  async function printBoth(outlet: Outlet, settings: object): Promise<void> {
    const file = join(folder, 'printed.yaml');
    await writeFile(file, stringify(settings));
    outlet.add(await run(['--config', file, '--print-config']));
    await writeFile(file, stringify({ ...settings, mqtt: { noSuchSetting: 1, maxPacketBytes: 'many' } }));
    outlet.add(await run(['--config', file]));
    await writeFile(file, `${stringify(settings)}\n"unfinished: [`);
    outlet.add(await run(['--config', file]));
  }

  it('of devices, certificates, tokens and the registry get out of a gateway that works in no way', async () => {
    const outlet = new Outlet();
    const authority = await DevelopmentAuthority.create(join(folder, 'authority'));
    const server = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 2 });
    const own = await authority.issue({ kind: 'device', name: 'dev-1', days: 2 });
    for (const { keyFile } of [server, own]) {
      for (const line of readFileSync(keyFile, 'utf8').split('\n').slice(1, -2)) outlet.hide(line);
    }
    const databasePath = join(folder, 'devices.sqlite');
    const passwords = await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }]);
    const password = outlet.hide(passwords.get('dev-1') ?? '');
    const issuer = new TokenIssuer().addKey('k-1');
    await using keys = await KeyServer.start(() => issuer.jwks);
    const here = { host: '127.0.0.1', port: 0, auth: 'registry' };
    const { certFile, keyFile } = server;
    const tls = { certFile, keyFile, clientCaFile: authority.certFile, clientCertificates: 'optional' };
    const { settings } = gatewaySettings({
      bootstrap,
      registryUrl: withLogin(registryUrl, outlet.hide(newCanary('registry'))),
      databasePath,
      sections: {
        listeners: [
          { ...here, name: 'devices', credentials: 'either' },
          { ...here, name: 'secure', tls: { ...tls, certificateSuffices: true } },
        ],
        identity: {
          tokens: {
            jwksUrl: `${keys.url}?token=${outlet.hide(newCanary('jwks'))}`,
            issuer: issuer.issuer,
            audience: issuer.audience,
          },
        },
      },
    });
    await using gateway = await GatewayProcess.spawn(settings);
    outlet.watch(gateway);
    await gateway.untilReady();

    const token = await issuer.sign('dev-1');
    const forged = await new TokenIssuer().addKey('k-1').sign('dev-1');
    for (const part of [...token.split('.').slice(1), ...forged.split('.').slice(1)]) outlet.hide(part);
    const url = `mqtt://127.0.0.1:${gateway.mqttPort('devices')}`;
    const login = { clientId: 'dev-1', username: 'dev-1', reconnectPeriod: 0 } as const;
    const wrong = [outlet.hide(newCanary('wrong')), forged, `${token}x`, outlet.hide(`${newCanary('odd')}\r\n\x1b[2J`)];
    let sequence = 0;
    for (const protocolVersion of [4, 5] as const) {
      for (const each of [password, token]) {
        sequence += 1;
        const client = await mqtt.connectAsync(url, { ...login, protocolVersion, password: each });
        await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', sequence), {
          qos: 1,
        });
        await client.endAsync();
      }
      for (const each of wrong) {
        await expect(mqtt.connectAsync(url, { ...login, protocolVersion, password: each })).rejects.toThrow();
      }
    }
    const secure = await mqtt.connectAsync(`mqtts://127.0.0.1:${gateway.mqttPort('secure')}`, {
      clientId: 'dev-1',
      reconnectPeriod: 0,
      ca: readFileSync(authority.certFile),
      cert: readFileSync(own.certFile),
      key: readFileSync(own.keyFile),
    });
    await secure.endAsync();

    // A key that is cut off, and a key set that is none.
    writeFileSync(keyFile, readFileSync(keyFile, 'utf8').slice(0, 120));
    keys.answer = (_request, response) => void response.end(`{"keys":"${token}"}`);
    gateway.kill('SIGHUP');
    await waitFor(() => gateway.find('tls_files_refused'), { deadlineMs: 15_000, what: 'the key to be refused' });
    await waitFor(() => gateway.find('identity_token_keys_failed'), { deadlineMs: 15_000, what: 'the key set, too' });
    await fetch(`${gateway.adminUrl}/metrics?password=${password}`, { headers: { authorization: `Bearer ${token}` } });
    await outlet.scrape(gateway);
    await printBoth(outlet, settings);
    gateway.kill('SIGTERM');
    await gateway.exited();
    expect(outlet.leaks).toEqual([]);
    expect(outlet.text).toContain('gateway_stopped');
  });

  it.each([
    [
      'SCRAM',
      'kafka_access_refused',
      (secret: string) => ({ mechanism: 'SCRAM-SHA-512', userName: 'edge', password: secret }),
    ],
    [
      'OAUTHBEARER, whose token endpoint echoes what it is asked',
      'kafka_access_refused',
      (secret: string) => ({
        mechanism: 'OAUTHBEARER',
        oauth: { tokenEndpoint: `http://127.0.0.1:${echo.port}/token`, clientId: 'edge', clientSecret: secret },
      }),
    ],
  ] as const)('of Kafka get out of a gateway that is not let in by %s in no way', async (_how, event, saslWith) => {
    const outlet = new Outlet();
    const sasl = saslWith(outlet.hide(newCanary('kafka')));
    const made = gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous' }).settings;
    const settings = { ...made, kafka: { ...(made.kafka as object), sasl } };
    await using gateway = await GatewayProcess.spawn(settings);
    outlet.watch(gateway);
    await waitFor(() => gateway.find(event), { deadlineMs: 30_000, what: event });
    await outlet.scrape(gateway);
    await printBoth(outlet, settings);
    gateway.kill('SIGTERM');
    await gateway.exited();
    expect(outlet.leaks).toEqual([]);
    expect(outlet.text).toContain('gateway_stopped');
  });

  it('of a schema registry that echoes what it is asked get out in no way', async () => {
    const outlet = new Outlet();
    const password = outlet.hide(newCanary('registry'));
    outlet.hide(Buffer.from(`edge:${password}`).toString('base64'));
    const query = outlet.hide(newCanary('query'));
    const echoing = `http://edge:${password}@127.0.0.1:${echo.port}/apis?token=${query}`;
    const { settings } = gatewaySettings({ bootstrap, registryUrl: echoing, auth: 'anonymous' });
    const before = echo.requests;
    await using gateway = await GatewayProcess.spawn(settings);
    outlet.watch(gateway);
    await waitFor(() => echo.requests > before + 1 || gateway.child.exitCode !== null, {
      deadlineMs: 30_000,
      what: 'the registry to be asked',
    });
    if (gateway.child.exitCode === null) await outlet.scrape(gateway);
    await printBoth(outlet, settings);
    gateway.kill('SIGTERM');
    await gateway.exited();
    expect(outlet.leaks).toEqual([]);
    expect(outlet.text).toContain('gateway_starting');
  });
});
