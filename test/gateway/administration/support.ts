import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import type { InjectOptions } from 'fastify';
import { onTestFinished } from 'vitest';
import { AdministeredDevices } from '../../../gateway/administered-devices.ts';
import { AuditFile, type AuditWriter } from '../../../gateway/administration/audit/audit-file.ts';
import { AuditTrail } from '../../../gateway/administration/audit/audit-trail.ts';
import { type Leveled, LogLevelControl } from '../../../gateway/administration/log-level.ts';
import type { AdministrationObserver } from '../../../gateway/administration/observer.ts';
import type { AdministrationOptions } from '../../../gateway/administration/options.ts';
import type { Scope } from '../../../gateway/administration/scopes.ts';
import { createAdministration } from '../../../gateway/administration/server.ts';
import type { LiveSessions, SessionDetails } from '../../../gateway/administration/sessions.ts';
import { generateToken } from '../../../gateway/administration/tokens/token.ts';
import { TokenStore } from '../../../gateway/administration/tokens/token-store.ts';
import { DeviceRegistry } from '../../../gateway/identity/registry.ts';

/** A folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'administration-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export class RecordedEvents {
  readonly events: (readonly [name: string, ...args: unknown[]])[] = [];
  readonly observer: AdministrationObserver = new Proxy({} as AdministrationObserver, {
    get:
      (_target, name) =>
      (...args: unknown[]) =>
        void this.events.push([String(name), ...args]),
  });

  of(name: string): unknown[][] {
    return this.events.filter(([each]) => each === name).map(([, ...args]) => args);
  }
}

const msPerDay = 86_400_000;

/** Adds a token and returns its text. */
export function addToken(
  store: TokenStore,
  scope: Scope,
  { expiresAtMs = Date.now() + msPerDay, revokedAtMs }: { expiresAtMs?: number; revokedAtMs?: number } = {},
): string {
  const { token, id, hash } = generateToken();
  store.add({ id, name: `${scope}-user`, scope, hash, createdAtMs: 1, expiresAtMs, revokedAtMs: undefined });
  if (revokedAtMs !== undefined) store.revoke(id, revokedAtMs);
  return token;
}

export const aSession: SessionDetails = {
  id: 'c2Vzc2lvbi0x',
  clientId: 'dev-1',
  deviceId: 'dev-1',
  kind: 'vehicle',
  boundTo: 'veh-1',
  groups: ['depot-7', 'pilot'],
  listener: 'devices',
  remoteAddress: '192.0.2.1',
  version: '5.0',
  connectedAtMs: 1_700_000_000_000,
  inFlight: 2,
  subscriptionCount: 1,
  keepAliveSeconds: 60,
  receiveMaximum: 64,
  expirySeconds: 0,
  hasWill: false,
  isPaused: false,
  unansweredBytes: 10,
  subscriptions: [{ filter: 'v1/vehicles/veh-1/commands', qos: 1 }],
};

/** One session, until it is disconnected. */
class OneSession implements LiveSessions {
  present: SessionDetails | undefined = aSession;

  page() {
    return { sessions: this.present === undefined ? [] : [this.present], next: undefined };
  }

  find(id: string) {
    return this.present?.id === id ? this.present : undefined;
  }

  disconnect(id: string) {
    const found = this.find(id) !== undefined;
    if (found) this.present = undefined;
    return found;
  }

  /** What a change of a device does to its sessions. */
  endOf(deviceId: string): number {
    return this.present?.deviceId === deviceId && this.disconnect(this.present.id) ? 1 : 0;
  }
}

export interface SceneChanges {
  readonly options?: Partial<AdministrationOptions>;
  readonly auditFile?: AuditWriter;
  readonly denialsPerMinute?: number;
  /** Of a server that is to listen. */
  readonly tls?: SecureContextOptions;
}

export interface SentRequest extends Omit<InjectOptions, 'method'> {
  readonly method?: string;
  readonly token?: string | undefined;
}

/** The API with a registry and tokens in memory and an audit file of its own; asked without a socket. */
export async function scene({ options = {}, auditFile, denialsPerMinute = 1000, tls }: SceneChanges = {}) {
  const path = join(temporaryFolder(), 'audit.jsonl');
  const file = await AuditFile.open(path);
  const store = TokenStore.open(':memory:', { busyTimeoutMs: 0 });
  const registry = DeviceRegistry.open(':memory:', { busyTimeoutMs: 0 });
  const seen = new RecordedEvents();
  const { observer } = seen;
  const trail = new AuditTrail({ file: auditFile ?? file, denialsPerMinute, observer, now: Date.now });
  const sessions = new OneSession();
  const devices = new AdministeredDevices(registry, {
    endChanged: async (deviceId) => sessions.endOf(deviceId),
    failed: (error) => observer.failed('', error),
  });
  const log: Leveled = { level: 'info' };
  const logLevel = new LogLevelControl(log, observer);
  const administration: AdministrationOptions = {
    findToken: (id) => store.find(id),
    trail,
    devices: () => devices,
    sessions: () => sessions,
    configuration: { kafka: { sasl: { password: '***' } } },
    logLevel,
    observer,
    now: Date.now,
    requestTimeoutMs: 5000,
    maxImportBytes: 65_536,
    maxImportDevices: 5,
    ...options,
  };
  const server = createAdministration(administration, tls);
  onTestFinished(async () => {
    logLevel.close();
    await server.close();
    await file.close();
    await registry.close();
    store.close();
  });
  const tokens = {
    read: addToken(store, 'read'),
    operate: addToken(store, 'operate'),
    admin: addToken(store, 'admin'),
    expired: addToken(store, 'admin', { expiresAtMs: 1 }),
    revoked: addToken(store, 'admin', { revokedAtMs: 1 }),
  };
  const ask = async (url: string, { method = 'GET', token = tokens.admin, headers, ...rest }: SentRequest = {}) => {
    const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
    const wanted = { method, url, headers: { ...authorization, ...headers }, ...rest } as InjectOptions;
    return server.inject(wanted);
  };
  const records = () =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { server, ask, tokens, store, registry, records, path, trail, seen, sessions, log };
}
