import type { AuditTrail } from './audit/audit-trail.ts';
import type { DeviceAdministration } from './devices.ts';
import type { LogLevelControl } from './log-level.ts';
import type { AdministrationObserver } from './observer.ts';
import type { LiveSessions } from './sessions.ts';
import type { StoredToken } from './tokens/token.ts';

/** What the administration API is made of. */
export interface AdministrationOptions {
  /** @throws when tokens can't be looked up: nobody is let then. */
  readonly findToken: (id: string) => StoredToken | undefined;
  readonly trail: AuditTrail;
  readonly devices: () => DeviceAdministration | undefined;
  readonly sessions: () => LiveSessions | undefined;
  /** The effective settings, secrets masked. */
  readonly configuration: unknown;
  readonly logLevel: LogLevelControl;
  readonly observer: AdministrationObserver;
  readonly now: () => number;
  /** Time for a request to arrive completely. */
  readonly requestTimeoutMs: number;
  readonly maxImportBytes: number;
  readonly maxImportDevices: number;
  /** Time for changes that are being made when the server is closed. Default 5000. */
  readonly settleMs?: number;
}
