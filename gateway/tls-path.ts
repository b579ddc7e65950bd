import type { GatewayConfig } from './config/schema.ts';
import { FetchedLists } from './fetched-lists.ts';
import { FileWatch } from './files/file-watch.ts';
import { deviceIdByRule } from './identity/certificate-rule.ts';
import { transportOf } from './listener-transport.ts';
import type { ListenerOptions } from './mqtt/context.ts';
import type { ListenerTlsMaterial } from './mqtt/listener-tls.ts';
import type { Observability } from './observability/observability.ts';
import { readTlsMaterial, type TlsMaterial } from './tls/material.ts';
import { TlsError } from './tls/tls-error.ts';

type Listener = GatewayConfig['listeners'][number];
type SecureListener = Listener & { readonly tls: NonNullable<Listener['tls']> };

/** What exchanges the files of a running listener; returns how many connections it has ended. */
type UseTls = (listener: string, material: ListenerTlsMaterial) => number;

/** Files are replaced one after the other: this long they need not fit each other. */
const patienceMs = 2_000;
/** How often a revocation list is tried again that is from the future, as no change of its file will tell. */
const prematureMs = 30_000;

/** The certificates, authorities and revocation lists of the listeners, which are exchanged while the gateway runs. */
export class TlsPath {
  readonly #config: GatewayConfig;
  readonly #observability: Observability;
  readonly #deviceIdOf: ReturnType<typeof deviceIdByRule>;
  readonly #materials = new Map<string, TlsMaterial>();
  /** Revocation lists from addresses, by listener. */
  readonly #lists = new Map<string, FetchedLists>();
  readonly #watches: { readonly watch: FileWatch; readonly intervalMs: number }[] = [];
  /** What is tried once more, by listener. */
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #use: UseTls | undefined;

  /** @throws {TlsError} when the files of a listener can't be used. */
  constructor(config: GatewayConfig, observability: Observability) {
    this.#config = config;
    this.#observability = observability;
    this.#deviceIdOf = deviceIdByRule(config.identity.certificates);
    for (const listener of secureListeners(config)) {
      this.#lists.set(listener.name, this.#listsOf(listener));
      const watch = new FileWatch(
        () => filesOf(listener),
        (paths) => this.#reload(listener, paths.join(', '), patienceMs),
      );
      // Before they are read: what is replaced from then on is found by the first look, minutes later perhaps.
      watch.mark();
      this.#materials.set(listener.name, this.#read(listener, 'start'));
      this.#watches.push({ watch, intervalMs: listener.tls.watchSeconds * 1000 });
    }
  }

  /** Whether any listener has TLS. */
  get isUsed(): boolean {
    return this.#materials.size > 0;
  }

  /** The listeners as the MQTT edge takes them. */
  listeners(): ListenerOptions[] {
    return this.#config.listeners.map((listener) => {
      const { name, host, port, auth, credentials, tls } = listener;
      const plain = { name, host, port, auth, credentials, ...transportOf(listener, this.#observability.transport) };
      const material = this.#materials.get(name);
      if (tls === undefined || material === undefined) return plain;
      return { ...plain, tls: { ...tls, material, observer: this.#observability.tls } };
    });
  }

  /**
   * Fetches what comes from addresses. From now on a change of a file is taken: by the time that devices may connect it may
   * be minutes old; so is one since they were first read.
   *
   * @returns false when `signal` was aborted meanwhile.
   * @throws {TlsError} when a list that was fetched can't be used.
   */
  async open(signal: AbortSignal): Promise<boolean> {
    const { lifecycle } = this.#observability;
    for (const listener of secureListeners(this.#config)) {
      const lists = this.#lists.get(listener.name);
      if (lists === undefined || listener.tls.crlUrls.length === 0) continue;
      if (!(await lists.open(signal, (error) => lifecycle.startDelayed('revocation_list', error)))) return false;
      // As at a start: without what was read before the lists were there.
      this.#materials.delete(listener.name);
      this.#materials.set(listener.name, this.#read(listener, 'start'));
      lists.keep();
      lists.start();
    }
    for (const { watch, intervalMs } of this.#watches) if (intervalMs > 0) await watch.start(intervalMs);
    return !signal.aborted;
  }

  /** There are listeners by now, made with what `listeners` said. */
  serve(use: UseTls): void {
    this.#use = use;
  }

  /** Reads all files anew; those of a listener that can't be used leave the ones before. @param cause for the log. */
  reload(cause: string): void {
    for (const listener of secureListeners(this.#config)) {
      this.#reload(listener, cause);
      void this.#lists.get(listener.name)?.refresh();
    }
  }

  close(): void {
    for (const { watch } of this.#watches) watch.stop();
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
    for (const lists of this.#lists.values()) lists.stop();
  }

  /** @param patienceMs what can't be used is tried again after so long before anything is said about it. */
  #reload(listener: SecureListener, cause: string, patienceMs = 0): void {
    const { name } = listener;
    try {
      const material = this.#read(listener, cause);
      this.#materials.set(name, material);
      this.#stopRetry(name);
      this.#lists.get(name)?.keep();
      const ended = this.#use?.(name, material) ?? 0;
      if (ended > 0) this.#observability.tls.revokedEnded(name, ended);
    } catch (error) {
      this.#lists.get(name)?.forget();
      if (patienceMs > 0) this.#retry(listener, cause, patienceMs);
      else this.#refused(listener, cause, error);
    }
  }

  #refused(listener: SecureListener, cause: string, error: unknown): void {
    const code = error instanceof TlsError ? error.code : 'unknown';
    const problem = error instanceof Error ? error.message : String(error);
    this.#observability.tls.filesRefused(listener.name, cause, code, problem);
    const isWatched = listener.tls.watchSeconds > 0;
    if (code === 'tls_crl_premature' && isWatched) this.#retry(listener, cause, prematureMs);
  }

  /** A change in the meantime does not put it off: files that change with every look would never be complained of. */
  #retry(listener: SecureListener, cause: string, afterMs: number): void {
    const { name } = listener;
    if (this.#retries.has(name)) return;
    const again = (): void => {
      this.#retries.delete(name);
      this.#reload(listener, cause);
    };
    this.#retries.set(name, setTimeout(again, afterMs).unref());
  }

  #stopRetry(name: string): void {
    clearTimeout(this.#retries.get(name));
    this.#retries.delete(name);
  }

  #listsOf(listener: SecureListener): FetchedLists {
    return new FetchedLists(listener.tls, {
      changed: (cause) => this.#reload(listener, cause),
      failed: (cause, error) => this.#refused(listener, cause, error),
    });
  }

  #read({ name, tls }: SecureListener, cause: string): TlsMaterial {
    const files = { ...tls, listener: name, crlTexts: this.#lists.get(name)?.texts ?? [] };
    const material = readTlsMaterial(files, Date.now(), this.#deviceIdOf, this.#materials.get(name));
    this.#observability.tls.filesLoaded(name, cause, material.facts);
    for (const warning of material.warnings) this.#observability.tls.filesQuestionable(name, warning);
    return material;
  }
}

const secureListeners = ({ listeners }: GatewayConfig): SecureListener[] =>
  listeners.filter((listener): listener is SecureListener => listener.tls !== undefined);

const filesOf = ({ tls }: SecureListener): readonly string[] => [
  tls.certFile,
  tls.keyFile,
  ...(tls.clientCaFile === undefined ? [] : [tls.clientCaFile]),
  ...tls.crlFiles,
  ...(tls.ticketSecretFile === undefined ? [] : [tls.ticketSecretFile]),
];
