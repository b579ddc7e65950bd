import type { GatewayConfig } from './config/schema.ts';
import { retryUntil } from './retry-until.ts';
import { fetchRevocationLists, nameOf } from './tls/fetch-lists.ts';
import { TlsError } from './tls/tls-error.ts';

type ListenerTls = NonNullable<GatewayConfig['listeners'][number]['tls']>;
type Lists = Pick<ListenerTls, 'crlUrls' | 'crlRefreshSeconds' | 'crlMaxBytes'>;

export interface FetchedListsOptions {
  /** A list has come that is not what it was. @param cause for the log: the address without its query. */
  readonly changed: (cause: string) => void;
  /** It could not be fetched; what was fetched before stays. */
  readonly failed: (cause: string, error: unknown) => void;
}

const timeoutMs = 10_000;

/** The revocation lists that one listener gets from addresses: fetched before devices may connect, and again and again. */
export class FetchedLists {
  readonly #lists: Lists;
  readonly #options: FetchedListsOptions;
  /** PEM by address. */
  readonly #texts = new Map<string, string>();
  /** Those that were usable. */
  #kept: ReadonlyMap<string, string> = new Map();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isFetching = false;

  constructor(lists: Lists, options: FetchedListsOptions) {
    this.#lists = lists;
    this.#options = options;
  }

  /** What was fetched last, in the order of the addresses. */
  get texts(): { readonly name: string; readonly pem: string }[] {
    return [...this.#texts].map(([url, pem]) => ({ name: nameOf(url), pem }));
  }

  /**
   * Fetches all of them, however long that takes: without a list, a certificate that is revoked would be let in.
   *
   * @returns false when `signal` was aborted meanwhile.
   */
  async open(signal: AbortSignal, onRetry: (error: unknown) => void): Promise<boolean> {
    for (const url of this.#lists.crlUrls) {
      const attempt = () => this.#fetch(url);
      const isTransient = (error: unknown): boolean => error instanceof TlsError;
      if ((await retryUntil(signal, { attempt, isTransient, onRetry })) === undefined) return false;
    }
    return true;
  }

  /** From now on they are fetched again at an interval. */
  start(): void {
    const { crlUrls, crlRefreshSeconds } = this.#lists;
    if (crlUrls.length > 0) this.#timer = setInterval(() => void this.refresh(), crlRefreshSeconds * 1000).unref();
  }

  stop(): void {
    this.#closing.abort();
    clearInterval(this.#timer);
  }

  /** Fetches all of them now, unless that is under way. */
  async refresh(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    for (const url of this.#lists.crlUrls) {
      try {
        if ((await this.#fetch(url)) === 'changed') this.#options.changed(nameOf(url));
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#options.failed(nameOf(url), error);
      }
    }
    this.#isFetching = false;
  }

  async #fetch(url: string): Promise<'changed' | 'same'> {
    const limits = { timeoutMs, maxBytes: this.#lists.crlMaxBytes, closing: this.#closing.signal };
    const pem = await fetchRevocationLists(url, limits);
    if (this.#texts.get(url) === pem) return 'same';
    this.#texts.set(url, pem);
    return 'changed';
  }

  /** What was fetched last is in use. */
  keep(): void {
    this.#kept = new Map(this.#texts);
  }

  /** What was fetched last can't be used: it must not stand in the way of other files that are renewed. */
  forget(): void {
    for (const [url, pem] of this.#kept) this.#texts.set(url, pem);
  }
}
