import {
  type IdentityObserver,
  type PasswordVerdict,
  passwordVerdicts,
  type Refusal,
  refusals,
  type Verification,
} from '../identity/observer.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

type RegistryFailure = Parameters<IdentityObserver['registryFailed']>[0];

const verifications: readonly Verification[] = ['anonymous', 'cached', 'hashed', 'certificate', 'token', 'recalled'];

export class IdentityEvents implements IdentityObserver {
  readonly #log: Log;
  readonly #authenticated = new Tally<Verification>('verification', verifications);
  readonly #refused = new Tally<Refusal>('refusal', refusals);
  readonly #bannedVerified = new Tally<PasswordVerdict>('verdict', passwordVerdicts);
  readonly #registryFailures = new Tally<RegistryFailure>('code');

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters(
      'edge_identity_authenticated_total',
      'Connects whose credentials were right, by how that was found out.',
      ['verification'],
      () => this.#authenticated.samples(),
    );
    metrics.counters('edge_identity_refused_total', 'Connects that were refused, by why.', ['refusal'], () =>
      this.#refused.samples(),
    );
    metrics.counters(
      'edge_identity_banned_verified_total',
      'Passwords of banned logins that were verified after the refusal, by what they were.',
      ['verdict'],
      () => this.#bannedVerified.samples(),
    );
    metrics.counters(
      'edge_identity_registry_failures_total',
      'Failures of the device registry, by code.',
      ['code'],
      () => this.#registryFailures.samples(),
    );
  }

  authenticated(verification: Verification): void {
    this.#authenticated.add(verification);
  }

  refused(refusal: Refusal, listener: string, deviceId: string): void {
    this.#refused.add(refusal);
    const fields = { refusal, listener, deviceId: clip(deviceId) };
    this.#log.writeLimited('warn', 'identity_refused', 'credentials were refused', fields);
  }

  bannedVerified(verdict: PasswordVerdict): void {
    this.#bannedVerified.add(verdict);
  }

  registryFailed(code: RegistryFailure, message: string): void {
    this.#registryFailures.add(code);
    this.#log.writeLimited('error', 'identity_registry_failed', 'the device registry failed', {
      code,
      reason: clip(message),
    });
  }
}
