import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { AdministeredDevices } from './administered-devices.ts';
import { AdministrationError, textOf } from './administration/administration-error.ts';
import { AuditFile } from './administration/audit/audit-file.ts';
import { AuditTrail } from './administration/audit/audit-trail.ts';
import { LogLevelControl } from './administration/log-level.ts';
import { AdministrationServer } from './administration/server.ts';
import type { LiveSessions } from './administration/sessions.ts';
import { TokenStore } from './administration/tokens/token-store.ts';
import { AuditCopies } from './audit-copies.ts';
import { maskConfig } from './config/mask.ts';
import { isLoopback } from './config/relations-tls.ts';
import type { GatewayConfig } from './config/schema.ts';
import { DirectoryLock, type LockRefusal } from './directory-lock/directory-lock.ts';
import type { DeviceStore } from './identity/device-store.ts';
import type { Observability } from './observability/observability.ts';
import { readTlsMaterial } from './tls/material.ts';
import { TlsError } from './tls/tls-error.ts';

/** What of the gateway is administered; undefined while it is not there. */
export interface Administered {
  readonly registry: () => DeviceStore | undefined;
  /** Ends what was granted to a device before a change that was made here; resolves to how many connections. */
  readonly endChanged: (deviceId: string) => Promise<number>;
  readonly sessions: () => LiveSessions | undefined;
}

type Settings = GatewayConfig['administration'];

/** How long the event loop may wait for the `admin-tokens` command's write. */
const tokensBusyTimeoutMs = 250;
/** Session tickets are not shared among pods: who administers knows which one he talks to. */
const ownTickets = { ticketRotationHours: 24, ticketLifetimeSeconds: 300 } as const;
/** How it is called where listeners have names. */
const listenerName = 'administration';

/** The administration API, its tokens and its audit file. */
export class AdministrationPath {
  readonly #config: GatewayConfig;
  readonly #observability: Observability;
  readonly #administered: Administered;
  readonly #logLevel: LogLevelControl;
  readonly #tls: SecureContextOptions | undefined;
  readonly #copies: AuditCopies | undefined;
  #lock: DirectoryLock | undefined;
  #tokens: TokenStore | undefined;
  #file: AuditFile | undefined;
  #trail: AuditTrail | undefined;
  #server: AdministrationServer | undefined;
  #opening: Promise<void> | undefined;

  private constructor(config: GatewayConfig, observability: Observability, administered: Administered) {
    this.#config = config;
    this.#observability = observability;
    this.#administered = administered;
    this.#logLevel = new LogLevelControl(observability.log, observability.administration);
    this.#tls = this.#readTls('start');
    this.#copies = AuditCopies.of(config, observability);
  }

  /** Undefined where administration is switched off. @throws {TlsError} when it could not serve TLS with its files. */
  static of(
    config: GatewayConfig,
    observability: Observability,
    administered: Administered,
  ): AdministrationPath | undefined {
    return config.administration.enabled ? new AdministrationPath(config, observability, administered) : undefined;
  }

  /**
   * Resolves when it listens.
   *
   * @throws {AdministrationError} when tokens or audit file can't be used; the error of `listen`.
   */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { administration } = this.#config;
    const { directory } = administration.audit;
    this.#lock = takeDirectory(directory);
    this.#file = await AuditFile.open(join(directory, 'audit.jsonl'));
    this.#tokens = TokenStore.open(administration.tokensPath, { busyTimeoutMs: tokensBusyTimeoutMs });
    this.#trail = this.#createTrail(this.#file);
    this.#trail.start();
    this.#copies?.start();
    this.#server = this.#createServer(this.#tokens, this.#trail);
    const port = await this.#server.start();
    const { host, tls } = administration;
    this.#observability.administration.listening(host, port, tls !== undefined, !tls && !isLoopback(host));
  }

  /** Reads the certificate anew; one that can't be used leaves the one before. @param cause for the log. */
  reload(cause: string): void {
    try {
      const context = this.#readTls(cause);
      if (context !== undefined) this.#server?.useTls(context);
    } catch (error) {
      const code = error instanceof TlsError ? error.code : 'unknown';
      this.#observability.tls.filesRefused(listenerName, cause, code, textOf(error));
    }
  }

  /** The server first, so that what it has said last gets into the file, and from there to Kafka. */
  async close(): Promise<void> {
    // A stop may come in the middle of a start.
    await this.#opening?.catch(() => {});
    this.#logLevel.close();
    await this.#server?.close();
    await this.#trail?.close();
    await this.#copies?.close();
    await this.#file?.close();
    this.#tokens?.close();
    this.#lock?.release();
  }

  #createTrail(file: AuditFile): AuditTrail {
    const { denialsPerMinute } = this.#config.administration.audit;
    const { administration: observer } = this.#observability;
    return new AuditTrail({ file, topic: this.#copies, denialsPerMinute, observer, now: Date.now });
  }

  #createServer(tokens: TokenStore, trail: AuditTrail): AdministrationServer {
    const { registry, endChanged, sessions } = this.#administered;
    const { administration: observer } = this.#observability;
    let known: { readonly registry: DeviceStore; readonly devices: AdministeredDevices } | undefined;
    const devices = (): AdministeredDevices | undefined => {
      const present = registry();
      if (present === undefined) return undefined;
      if (known?.registry !== present) {
        const failed = (error: unknown): void => observer.failed('', error);
        known = { registry: present, devices: new AdministeredDevices(present, { endChanged, failed }) };
      }
      return known.devices;
    };
    return new AdministrationServer({
      ...this.#config.administration,
      tls: this.#tls,
      findToken: (id) => tokens.find(id),
      trail,
      devices,
      sessions,
      configuration: maskConfig(this.#config),
      logLevel: this.#logLevel,
      observer,
      now: Date.now,
    });
  }

  #readTls(cause: string): SecureContextOptions | undefined {
    const { tls } = this.#config.administration;
    if (tls === undefined) return undefined;
    const files = { ...tls, crlFiles: [], clientCertificates: 'none', listener: listenerName, ...ownTickets } as const;
    const material = readTlsMaterial(files, Date.now(), () => undefined);
    this.#observability.tls.filesLoaded(listenerName, cause, material.facts);
    for (const warning of material.warnings) this.#observability.tls.filesQuestionable(listenerName, warning);
    return material.context;
  }
}

/** @throws {AdministrationError} */
function takeDirectory(directory: Settings['audit']['directory']): DirectoryLock {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AdministrationError('audit_unopenable', `administration.audit.directory ${directory}: ${textOf(error)}`);
  }
  return DirectoryLock.take(
    directory,
    (refusal) => new AdministrationError('audit_unopenable', refused(directory, refusal)),
  );
}

const refused = (directory: string, refusal: LockRefusal): string =>
  refusal.isTaken
    ? `administration.audit.directory ${directory}: another gateway writes there; give each its own`
    : `administration.audit.directory ${directory}: ${refusal.reason}`;
