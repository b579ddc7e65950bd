import { type Connection, ResponseError } from '@platformatic/kafka';
import { type Address, addressText, causeOf, discard, newConnection, opened, parseAddress } from './connections.ts';
import { describeFailure } from './error-classes.ts';
import { KafkaError } from './errors.ts';
import type { Reachability } from './reachability.ts';
import { accessFailureOf, KafkaAccessError } from './security/access-failure.ts';
import type { AccessWatch } from './security/access-watch.ts';
import type { KafkaSettings } from './settings.ts';

/** A broker that hangs must not hold up for longer who could ask another one. */
const longestHastyAnswerMs = 3000;

/** Who took this share of its time was given up: timers may be a little early, and a token is waited for not quite so long. */
const timedOut = 0.75;

/** In the eyes of the `AccessWatch`: whichever broker is asked. */
const whereToAsk = 'brokers';

export type Question<Answer> = (connection: Connection) => Promise<Answer>;

/**
 * Asks any broker what any broker can answer, over a connection of its own, so that no question waits behind a Produce
 * request. When a broker does not answer, the next one is asked: all that are known, then the bootstrap ones. Those that
 * were only slow are asked once more, and get the time of a request: over a slow network nobody is quicker.
 */
export class ControlChannel {
  readonly #settings: KafkaSettings;
  readonly #reachability: Reachability;
  readonly #access: AccessWatch;
  readonly #bootstrap: readonly Address[];
  #known: readonly Address[] = [];
  #connection: Connection | undefined;
  #connectedTo = '';
  /** What the connection at hand gives a broker for an answer. */
  #answerMs = 0;
  /** Where the next connection is tried first: the candidate that answered last; another one when none did. */
  #turn = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @throws {KafkaError} `invalid_settings` when a bootstrap broker is no address. */
  constructor(settings: KafkaSettings, reachability: Reachability, access: AccessWatch) {
    this.#settings = settings;
    this.#reachability = reachability;
    this.#access = access;
    this.#bootstrap = settings.bootstrapBrokers.map((text) => {
      const address = parseAddress(text);
      if (address === undefined)
        throw new KafkaError('invalid_settings', `bootstrap broker "${text}" is not host:port`);
      return address;
    });
  }

  /** Brokers of the cluster as of now. */
  learn(brokers: readonly Address[]): void {
    this.#known = brokers;
  }

  /**
   * Asks until a broker answers, each candidate once or twice. Questions are asked one after another.
   *
   * @throws {ResponseError} when the answer is an error; otherwise why the last candidate did not answer.
   */
  ask<Answer>(question: Question<Answer>): Promise<Answer> {
    const answer = this.#queue.then(() => this.#askAny(question));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async #askAny<Answer>(question: Question<Answer>): Promise<Answer> {
    const startedAtMs = performance.now();
    const { requestTimeoutMs } = this.#settings;
    const candidates = this.#candidates();
    const first = this.#turn;
    let asked = candidates.map((_, step) => (first + step) % candidates.length);
    let failure: unknown = new Error('no broker is known');
    for (const answerMs of [Math.min(longestHastyAnswerMs, requestTimeoutMs / 3), requestTimeoutMs]) {
      const slow: number[] = [];
      for (const turn of asked) {
        if (this.#closed) break;
        const askedAtMs = performance.now();
        try {
          return await this.#askOne(question, candidates[turn] as Address, turn, answerMs);
        } catch (error) {
          if (error instanceof ResponseError) throw error;
          failure = this.#failureOf(error);
          this.#access.failed(whereToAsk, error);
          if (performance.now() - askedAtMs >= this.#answerMs * timedOut) slow.push(turn);
          this.#drop();
        }
      }
      this.#reachability.failure(startedAtMs);
      asked = slow;
    }
    this.#turn += 1;
    throw failure;
  }

  /** @throws {ResponseError} when the answer is an error; otherwise why there is none. */
  async #askOne<Answer>(
    question: Question<Answer>,
    candidate: Address,
    turn: number,
    answerMs: number,
  ): Promise<Answer> {
    try {
      const answer = await question(await this.#connect(candidate, answerMs));
      this.#turn = turn;
      this.#answered();
      return answer;
    } catch (error) {
      // A login that a broker refuses is wrapped into an error of the connection.
      if (!(error instanceof ResponseError)) throw causeOf(this.#connection, error);
      this.#answered();
      throw error;
    }
  }

  #failureOf(error: unknown): Error {
    const text = `${this.#connectedTo}: ${describeFailure(error)}`;
    const refusal = accessFailureOf(error);
    return refusal === undefined ? new Error(text) : new KafkaAccessError(refusal.code, text);
  }

  #answered(): void {
    this.#reachability.contact(performance.now());
    this.#access.succeeded(whereToAsk);
  }

  /** The broker at hand first, while its connection lasts. */
  async #connect(candidate: Address, answerMs: number): Promise<Connection> {
    if (this.#closed) throw new Error('the producer is closed');
    if (this.#connection?.isConnected()) return this.#connection;
    this.#drop();
    this.#connectedTo = addressText(candidate);
    this.#answerMs = answerMs;
    const connection = newConnection(this.#settings, candidate, answerMs);
    this.#connection = connection;
    await opened(connection, candidate);
    return connection;
  }

  /** The broker at hand answers, but what it says does not help: the next question goes to another one. */
  moveOn(): void {
    this.#turn += 1;
    this.#drop();
  }

  #drop(): void {
    if (this.#connection !== undefined) discard(this.#connection);
    this.#connection = undefined;
  }

  #candidates(): Address[] {
    const byText = new Map([...this.#known, ...this.#bootstrap].map((address) => [addressText(address), address]));
    return [...byText.values()];
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }
}
