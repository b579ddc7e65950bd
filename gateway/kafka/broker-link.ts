import { apiVersionsV3, type Connection } from '@platformatic/kafka';
import { backoffMs } from './backoff.ts';
import { type Address, addressText, causeOf, discard, newConnection, openConnection } from './connections.ts';
import { describeFailure } from './error-classes.ts';
import type { KafkaObserver, KafkaObservers } from './observer.ts';
import { type ProduceAnswer, type ProduceRequest, produceKey } from './produce-protocol.ts';
import { describeRefusal } from './security/access-failure.ts';
import type { AccessWatch } from './security/access-watch.ts';
import type { KafkaSettings } from './settings.ts';

export interface LinkOwner {
  /** The link can take a request, or may be asked to connect again. */
  linkChanged(): void;
  /** A connection could not be made, or was lost. */
  linkFailed(): void;
}

/** What a broker's own statistics of its clients name. */
const software = { name: 'edge-ingest-gateway', version: '1' };

export type OnAnswer = (error: Error | null, answer: ProduceAnswer | undefined) => void;

/**
 * The connection for Produce requests to one broker. It connects when asked to, and after a failure not before a pause.
 * After a request without an answer the connection is discarded: an answer that came later could not be told from that
 * of the next attempt, and a broker that hangs would hold up what comes after it.
 */
export class BrokerLink {
  readonly nodeId: number;
  /** Requests without an answer. */
  inFlight = 0;
  /** The broker asked not to be sent anything before this, on the clock of `performance.now()`. */
  throttledUntilMs = 0;
  /** The latest version of Produce requests that the broker takes. */
  maxProduceVersion = 0;
  readonly #settings: KafkaSettings;
  readonly #observer: KafkaObserver;
  readonly #access: AccessWatch;
  readonly #owner: LinkOwner;
  #address: Address;
  #connection: Connection | undefined;
  #connected = false;
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    nodeId: number,
    address: Address,
    settings: KafkaSettings,
    { observer, access }: KafkaObservers,
    owner: LinkOwner,
  ) {
    this.nodeId = nodeId;
    this.#address = address;
    this.#settings = settings;
    this.#observer = observer;
    this.#access = access;
    this.#owner = owner;
  }

  /** In the eyes of the `AccessWatch`. */
  get #name(): string {
    return `broker ${this.nodeId}`;
  }

  get isReady(): boolean {
    return this.#connected && this.#connection?.isConnected() === true;
  }

  /** The broker may have moved; then the old connection leads to nobody or, worse, to somebody else. */
  setAddress(address: Address): void {
    if (addressText(address) === addressText(this.#address)) return;
    this.#lose('the broker has a new address');
    this.#address = address;
  }

  /** Begins to connect, unless it is connected, on its way, pausing, or closed. */
  connect(): void {
    if (this.#closed || this.#connection !== undefined || this.#pause !== undefined) return;
    try {
      const connection = newConnection(this.#settings, this.#address, this.#settings.requestTimeoutMs);
      this.#connection = connection;
      openConnection(connection, this.#address, (error) => {
        if (this.#connection !== connection) return;
        if (error) this.#connectFailed(error);
        else this.#agreeOnVersion(connection);
      });
    } catch (error) {
      this.#connectFailed(error);
    }
  }

  /** Asked of each broker, and of each connection: they differ while a cluster is upgraded. */
  #agreeOnVersion(connection: Connection): void {
    apiVersionsV3.api(connection, software.name, software.version, (error, answer) => {
      if (this.#connection !== connection) return;
      if (error !== null || answer === undefined) {
        this.#connectFailed(error);
        return;
      }
      this.maxProduceVersion = answer.apiKeys.find(({ apiKey }) => apiKey === produceKey)?.maxVersion ?? 0;
      this.#connectSucceeded(connection);
    });
  }

  #connectSucceeded(connection: Connection): void {
    this.#connected = true;
    this.#failures = 0;
    this.#access.succeeded(this.#name);
    this.#observer.brokerConnected(this.nodeId, addressText(this.#address));
    connection.on('close', () => {
      if (this.#connection === connection)
        this.#lose(describeRefusal(causeOf(connection, 'the connection was closed')));
    });
    // Also emitted when the library has authenticated again.
    connection.on('connect', () => this.#owner.linkChanged());
    this.#owner.linkChanged();
  }

  #connectFailed(failure: unknown): void {
    const error = causeOf(this.#connection, failure);
    this.#failures += 1;
    this.#access.failed(this.#name, error);
    const pauseMs = backoffMs(this.#failures, this.#settings);
    this.#observer.brokerUnavailable(this.nodeId, addressText(this.#address), describeRefusal(error), pauseMs);
    this.#drop();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#owner.linkChanged();
    }, pauseMs);
    this.#owner.linkFailed();
  }

  /**
   * Sends a request; only when the link is ready. `onAnswer` is called exactly once, possibly before `send` returns; an
   * error means that the outcome of the request is unknown.
   */
  send(request: ProduceRequest, onAnswer: OnAnswer): void {
    const connection = this.#connection as Connection;
    this.inFlight += 1;
    connection.send<ProduceAnswer>(
      produceKey,
      request.version,
      () => request.body,
      request.parse,
      true,
      true,
      (error, answer) => {
        this.inFlight -= 1;
        if (answer === undefined || answer === null) {
          if (this.#connection === connection) this.#lose(describeFailure(error));
        } else if (answer.throttleMs > 0) {
          this.throttledUntilMs = performance.now() + answer.throttleMs;
        }
        onAnswer(error, answer);
      },
    );
  }

  /** Gives up the connection, if there is one, and with it what is unanswered. */
  #lose(reason: string | undefined): void {
    const wasConnected = this.#connected;
    this.#drop();
    if (!wasConnected) return;
    this.#observer.brokerDisconnected(this.nodeId, addressText(this.#address), reason);
    if (!this.#closed) this.#owner.linkFailed();
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#connected = false;
    if (connection !== undefined) discard(connection);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#lose(undefined);
  }
}
