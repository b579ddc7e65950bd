import { KafkaAccessError } from './access-failure.ts';
import { AwsMskTokens } from './aws-msk-tokens.ts';
import { readCredentials, secretOf, unusable } from './secrets.ts';
import type { OauthSettings } from './settings.ts';
import { type FetchedToken, fetchToken } from './token-endpoint.ts';

/** A token is used for this share of its life, so that none expires on its way. */
const usedShare = 0.8;
/** And for this one where no other can be had. */
const lastShare = 0.98;

/** `b64token` of RFC 6750, section 2.1. Anything else could add fields to the message that it is sent in (RFC 7628). */
const tokenSyntax = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The bearer tokens that a client shows its brokers: from a file, read anew each time, a token endpoint, or AWS's signer. */
export class BearerTokens {
  readonly #settings: OauthSettings;
  readonly #awsMsk: AwsMskTokens | undefined;
  #fetching: Promise<string> | undefined;
  #fetched = '';
  #fetchedUntilMs = 0;
  #goodUntilMs = 0;

  constructor(settings: OauthSettings) {
    this.#settings = settings;
    this.#awsMsk = settings.awsMsk.region === '' ? undefined : new AwsMskTokens(settings.awsMsk);
  }

  /** @throws {KafkaAccessError} `credentials_unreadable`, `token_unavailable`, `aws_credentials_missing` */
  async current(deadlineMs: number): Promise<string> {
    const { tokenFile } = this.#settings;
    if (tokenFile !== '') return this.#checked(readCredentials('kafka.sasl.oauth.tokenFile', tokenFile).trim());
    if (performance.now() < this.#fetchedUntilMs) return this.#fetched;
    // One question for all connections that are opened meanwhile.
    this.#fetching ??= this.#fetch(deadlineMs).finally(() => {
      this.#fetching = undefined;
    });
    try {
      return await this.#fetching;
    } catch (error) {
      // Renewed early so that there is time for this: the one before is good for a while.
      if (performance.now() < this.#goodUntilMs) return this.#fetched;
      throw error;
    }
  }

  /**
   * What a broker's answer to a token means. It refuses one with a success that carries an error (RFC 7628, section
   * 3.2.3), which must not pass for a login. A token that was refused is not shown again.
   */
  verdictOn(answer: Buffer | null): KafkaAccessError | null {
    if (answer === null || answer.length === 0) return null;
    this.refused();
    const toCheck =
      this.#awsMsk === undefined
        ? 'its audience, scope and expiry'
        : "kafka.sasl.oauth.awsMsk.region, the permission kafka-cluster:Connect and this machine's clock";
    return new KafkaAccessError('login_failed', `the broker refused the token: check ${toCheck}`);
  }

  /** A broker has refused the token: it is not shown again. */
  refused(): void {
    this.#fetchedUntilMs = 0;
    this.#goodUntilMs = 0;
  }

  async #fetch(deadlineMs: number): Promise<string> {
    const { token, lifetimeSeconds } = await (this.#awsMsk?.fetch(deadlineMs) ?? this.#ask(deadlineMs));
    this.#fetched = this.#checked(token);
    const nowMs = performance.now();
    this.#fetchedUntilMs = nowMs + lifetimeSeconds * 1000 * usedShare;
    this.#goodUntilMs = nowMs + lifetimeSeconds * 1000 * lastShare;
    return this.#fetched;
  }

  async #ask(deadlineMs: number): Promise<FetchedToken> {
    const { tokenEndpoint, clientId, clientSecret, clientSecretFile, scope } = this.#settings;
    const secret = secretOf('kafka.sasl.oauth.clientSecret', clientSecret, clientSecretFile);
    return fetchToken({ tokenEndpoint, clientId, secret, scope, deadlineMs });
  }

  #checked(token: string): string {
    if (tokenSyntax.test(token)) return token;
    throw unusable('kafka.sasl.oauth', 'what is there is no bearer token');
  }
}
