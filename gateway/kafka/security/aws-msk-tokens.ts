import { KafkaAccessError } from './access-failure.ts';
import type { AwsMskSettings } from './settings.ts';
import type { FetchedToken } from './token-endpoint.ts';

/** What AWS's signer makes. */
export interface SignedToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiryTime: number;
}

/** A signature for which nothing came within this time is given up, and another one begun. */
const longestSigningMs = 60_000;
const longestReason = 200;

/**
 * Bearer tokens for IAM of Amazon MSK: a presigned address (AWS Signature Version 4) for `kafka-cluster:Connect`, in
 * base64url, good for 15 minutes or as long as the credentials are. Signing is local; finding the credentials may ask
 * services of AWS (STS, the metadata of a container or instance).
 */
export class AwsMskTokens {
  readonly #settings: AwsMskSettings;
  readonly #sign: (settings: AwsMskSettings) => Promise<SignedToken>;
  #signing: Promise<SignedToken> | undefined;
  #signingSinceMs = 0;

  constructor(settings: AwsMskSettings, sign = signedByAws) {
    this.#settings = settings;
    this.#sign = sign;
  }

  /** @throws {KafkaAccessError} `aws_credentials_missing`, `token_unavailable`; its message holds no secret. */
  async fetch(deadlineMs: number): Promise<FetchedToken> {
    const { token, expiryTime } = await within(this.#signed(), deadlineMs).catch((error: unknown) => {
      throw refusalOf(error, this.#settings);
    });
    const lifetimeSeconds = (expiryTime - Date.now()) / 1000;
    if (lifetimeSeconds > 0) return { token, lifetimeSeconds };
    throw unavailable("the credentials have expired; check whoever renews them, and this machine's clock");
  }

  /**
   * The signer's calls have no deadline and cannot be ended: whoever asks while one hangs waits for that one, or every
   * attempt to connect would leave another behind.
   */
  #signed(): Promise<SignedToken> {
    const nowMs = performance.now();
    if (this.#signing !== undefined && nowMs - this.#signingSinceMs < longestSigningMs) return this.#signing;
    const signing = this.#sign(this.#settings);
    this.#signing = signing;
    this.#signingSinceMs = nowMs;
    const ended = (): void => {
      if (this.#signing === signing) this.#signing = undefined;
    };
    void signing.then(ended, ended);
    return signing;
  }
}

async function signedByAws({ region, roleArn, profile }: AwsMskSettings): Promise<SignedToken> {
  // AWS's SDK is large: only who uses it waits for it.
  const signer = await import('aws-msk-iam-sasl-signer-js');
  if (roleArn !== '') return signer.generateAuthTokenFromRole({ region, awsRoleArn: roleArn });
  const { fromIni, fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  const provider = profile === '' ? fromNodeProviderChain({ clientConfig: { region } }) : fromIni({ profile });
  let endsAtMs = Number.POSITIVE_INFINITY;
  // Of credentials that end within a token's time the signer would write a fraction of a second, which is no X-Amz-Expires:
  // MSK refuses it. So it is not told of their end, and who uses the token is.
  const awsCredentialsProvider = async () => {
    const { expiration, ...credentials } = await provider();
    endsAtMs = expiration?.getTime() ?? endsAtMs;
    return credentials;
  };
  const { token, expiryTime } = await signer.generateAuthTokenFromCredentialsProvider({
    region,
    awsCredentialsProvider,
  });
  return { token, expiryTime: Math.min(expiryTime, endsAtMs) };
}

async function within<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unavailable(`no answer within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Of the SDK: nothing that it asked had credentials. */
const withoutCredentials = 'CredentialsProviderError';

/** What the signer failed with. Its own error does not go along: its text and causes are not ours to vouch for. */
function refusalOf(error: unknown, { profile }: AwsMskSettings): KafkaAccessError {
  if (error instanceof KafkaAccessError) return error;
  if (!(error instanceof Error)) return unavailable('the signer failed');
  if (error.name !== withoutCredentials) return unavailable(reasonOf(error));
  const where =
    profile === ''
      ? 'neither in the environment nor in the files of AWS, nor from a role of the container or the instance'
      : `not in the profile ${profile} of the files of AWS`;
  return new KafkaAccessError('aws_credentials_missing', `kafka.sasl.oauth.awsMsk: no credentials, ${where}`);
}

/**
 * Names, and of a service's answer the first line: it says who may not do what. Further lines repeat what was sent, and
 * errors of other origin may quote what they stumbled upon.
 */
function reasonOf(error: Error): string {
  const { code, $metadata } = error as { readonly code?: unknown; readonly $metadata?: unknown };
  if (typeof $metadata === 'object' && $metadata !== null) {
    const [line = ''] = error.message.split('\n', 1);
    return `AWS answered ${error.name}: ${line.slice(0, longestReason)}`;
  }
  return typeof code === 'string' ? code : error.name;
}

const unavailable = (reason: string): KafkaAccessError =>
  new KafkaAccessError('token_unavailable', `kafka.sasl.oauth.awsMsk: no token: ${reason}`);
