import { type HandshakeFailure, type HandshakeObserver, handshakeFailures } from '../mqtt/listener-tls.ts';
import type { TlsFacts } from '../tls/material.ts';
import type { TlsFilesObserver } from '../tls/observer.ts';
import { clip, type Log } from './log.ts';
import { Durations, type Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** Every event of TLS: handshakes, and the files behind them. */
export class TlsEvents implements HandshakeObserver, TlsFilesObserver {
  readonly #log: Log;
  readonly #full = new Tally<string>('version', ['TLSv1.2', 'TLSv1.3']);
  readonly #resumed = new Tally<string>('version', ['TLSv1.2', 'TLSv1.3']);
  readonly #failed = new Tally<HandshakeFailure>('reason', handshakeFailures);
  readonly #reloads = new Tally<string>('result', ['taken', 'refused']);
  readonly #durations = new Durations();
  /** What applies, by listener. */
  readonly #facts = new Map<string, TlsFacts>();
  #revokedEnded = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportHandshakes(metrics);
    this.#exportFiles(metrics);
  }

  handshakeDone(_listener: string, version: string, resumed: boolean, durationMs: number): void {
    (resumed ? this.#resumed : this.#full).add(version);
    this.#durations.add(durationMs);
  }

  handshakeFailed(listener: string, failure: HandshakeFailure, code: string, remoteAddress: string | undefined): void {
    this.#failed.add(failure);
    const fields = { listener, reason: failure, code: clip(code), remoteAddress };
    this.#log.writeLimited('warn', 'tls_handshake_failed', 'a TLS handshake led to no connection', fields);
  }

  filesLoaded(listener: string, cause: string, facts: TlsFacts): void {
    this.#facts.set(listener, facts);
    if (cause !== 'start') this.#reloads.add('taken');
    const { certificateEndsAtMs, crlEndsAtMs, revokedCertificates, fingerprint, ticketKeysId } = facts;
    const fields = {
      listener,
      cause,
      fingerprint,
      certificateEndsAt: new Date(certificateEndsAtMs).toISOString(),
      crlEndsAt: crlEndsAtMs === undefined ? undefined : new Date(crlEndsAtMs).toISOString(),
      revokedCertificates,
      ticketKeysId,
    };
    this.#log.write('info', 'tls_files_loaded', 'this certificate, and these authorities and lists, apply', fields);
  }

  filesRefused(listener: string, cause: string, code: string, problem: string): void {
    this.#reloads.add('refused');
    const text = 'new files of TLS were not taken; those before still apply';
    this.#log.writeLimited('error', 'tls_files_refused', text, { listener, cause, code, problem });
  }

  filesQuestionable(listener: string, warning: string): void {
    this.#log.writeLimited('warn', 'tls_files_questionable', warning, { listener });
  }

  revokedEnded(listener: string, connections: number): void {
    this.#revokedEnded += connections;
    const text = 'connections were ended, as their certificates are revoked';
    this.#log.write('warn', 'tls_revoked_ended', text, { listener, connections });
  }

  #exportHandshakes(metrics: Metrics): void {
    metrics.counters(
      'edge_tls_handshakes_total',
      'TLS handshakes that led to a connection, by version, and by whether an earlier session was resumed.',
      ['version', 'resumed'],
      () => [...this.#full.samples({ resumed: 'false' }), ...this.#resumed.samples({ resumed: 'true' })],
    );
    metrics.counters(
      'edge_tls_handshake_failures_total',
      'TLS handshakes that led to no connection, by reason.',
      ['reason'],
      () => this.#failed.samples(),
    );
    metrics.durations(
      'edge_tls_handshake_seconds',
      'From accepting a connection to the end of its TLS handshake.',
      this.#durations,
    );
  }

  #exportFiles(metrics: Metrics): void {
    const byListener = ['listener'];
    metrics.counters('edge_tls_reloads_total', 'New files of TLS, by whether they were taken.', ['result'], () =>
      this.#reloads.samples(),
    );
    metrics.counter(
      'edge_tls_revoked_ended_total',
      'Connections ended because a new revocation list names their certificate.',
      () => this.#revokedEnded,
    );
    metrics.gauges(
      'edge_tls_certificate_end_seconds',
      "When the server's certificate ends, seconds since the epoch.",
      byListener,
      () => [...this.#facts].map(([listener, facts]) => [{ listener }, facts.certificateEndsAtMs / 1000]),
    );
    metrics.gauges(
      'edge_tls_crl_end_seconds',
      'When the first revocation list is out of date, seconds since the epoch; every certificate is refused from then on.',
      byListener,
      () =>
        [...this.#facts].flatMap(([listener, { crlEndsAtMs }]) =>
          crlEndsAtMs === undefined ? [] : [[{ listener }, crlEndsAtMs / 1000] as const],
        ),
    );
  }
}
