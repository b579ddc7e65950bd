import type { AuditOutcome } from './audit/audit-record.ts';
import type { TokenRefusal } from './tokens/authenticate.ts';

/** Why a request was not let. */
export type Denial = TokenRefusal | 'insufficient_scope' | 'too_many_failures';

/** Told of everything that happens in administration. Must not block or throw. */
export interface AdministrationObserver {
  answered(status: number): void;
  denied(denial: Denial, remoteAddress: string): void;
  /** A defect of the gateway, or of what it stands on. */
  failed(requestId: string, error: unknown): void;
  auditWritten(outcome: AuditOutcome): void;
  auditFailed(error: unknown): void;
  /** A record is, or is not, on its way to Kafka for good. */
  auditSent(isWritten: boolean): void;
  /** @param untilMs when it is set back, milliseconds since the epoch. */
  logLevelChanged(level: string, before: string, untilMs: number | undefined): void;
}
