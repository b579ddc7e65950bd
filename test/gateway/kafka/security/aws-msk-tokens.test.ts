import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwsMskTokens, type SignedToken } from '../../../../gateway/kafka/security/aws-msk-tokens.ts';
import { BearerTokens } from '../../../../gateway/kafka/security/bearer-tokens.ts';
import type { AwsMskSettings } from '../../../../gateway/kafka/security/settings.ts';

const settings: AwsMskSettings = { region: 'eu-central-1', roleArn: '', profile: '' };
const oauth = {
  ...{ tokenFile: '', tokenEndpoint: '', clientId: '', clientSecret: '', clientSecretFile: '', scope: '' },
  awsMsk: settings,
};
const roleArn = 'arn:aws:iam::123456789012:role/edge-gateway';
const keyId = 'AKIDEXAMPLE';
const secretKey = 'canary-of-the-secret-key';
/** Loading AWS's SDK takes its time on a machine that is busy. */
const deadlineMs = 15_000;

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aws-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

function giveKeys(): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', keyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey);
}

/** A service on this machine that answers with `answers`, one after the other; the last one repeats. */
async function service(...answers: { readonly status?: number; readonly body: string }[]): Promise<string> {
  let asked = 0;
  server = createServer((_request, response) => {
    const { status = 200, body } = answers[Math.min(asked, answers.length - 1)] ?? { body: '' };
    asked += 1;
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/xml' : 'application/json' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const addressIn = (token: string): URL => new URL(Buffer.from(token, 'base64url').toString());
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
/** RFC 3986, section 2.3: whatever is not unreserved. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature of a presigned address by AWS Signature Version 4, written from its description. */
function signatureOf(address: URL, secret: string): string {
  const parameters = [...address.searchParams].filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent');
  const query = parameters
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join('&');
  const request = ['GET', '/', query, `host:${address.host}`, '', 'host', sha256('')].join('\n');
  const [, ...scope] = (address.searchParams.get('X-Amz-Credential') ?? '').split('/');
  const time = address.searchParams.get('X-Amz-Date') ?? '';
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n');
  const key = scope.reduce<string | Buffer>((derived, part) => hmac(derived, part), `AWS4${secret}`);
  return hmac(key, toSign).toString('hex');
}

async function refusal(tokens: AwsMskTokens, ms = deadlineMs): Promise<Error & { readonly code?: string }> {
  return tokens.fetch(ms).then(
    () => expect.fail('it was given a token'),
    (error: unknown) => error as Error,
  );
}

describe('a token for IAM of Amazon MSK', () => {
  it('is a presigned address for kafka-cluster:Connect at the region, and rightly signed', async () => {
    giveKeys();
    const { token, lifetimeSeconds } = await new AwsMskTokens(settings).fetch(deadlineMs);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(lifetimeSeconds).toBeLessThanOrEqual(900);
    const address = addressIn(token);
    expect(address.origin).toBe('https://kafka.eu-central-1.amazonaws.com');
    const parameters = Object.fromEntries(address.searchParams);
    expect(parameters).toMatchObject({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
    });
    const day = (parameters['X-Amz-Date'] ?? '').slice(0, 8);
    expect(parameters['X-Amz-Credential']).toBe(`${keyId}/${day}/eu-central-1/kafka-cluster/aws4_request`);
    expect(parameters['X-Amz-Signature']).toBe(signatureOf(address, secretKey));
    expect(address.href).not.toContain(secretKey);
  });

  it('is signed with what a role gives that was taken on, session token included', async () => {
    giveKeys();
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const role = `<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>of-the-role</SecretAccessKey><SessionToken>session/+=</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
    const body = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>${role}</AssumeRoleResult></AssumeRoleResponse>`;
    vi.stubEnv('AWS_ENDPOINT_URL_STS', await service({ body }));
    const { token } = await new AwsMskTokens({ ...settings, roleArn }).fetch(deadlineMs);
    const address = addressIn(token);
    expect(address.searchParams.get('X-Amz-Credential')).toMatch(/^ASIAROLE\//);
    expect(address.searchParams.get('X-Amz-Security-Token')).toBe('session/+=');
    expect(address.searchParams.get('X-Amz-Signature')).toBe(signatureOf(address, 'of-the-role'));
  });

  it('is signed with the keys of the profile that is named', async () => {
    const keys = 'aws_access_key_id = AKIDPROFILE\naws_secret_access_key = of-the-profile\n';
    writeFileSync(join(folder, 'credentials'), `[fleet]\n${keys}`);
    const { token } = await new AwsMskTokens({ ...settings, profile: 'fleet' }).fetch(deadlineMs);
    expect(addressIn(token).searchParams.get('X-Amz-Signature')).toBe(signatureOf(addressIn(token), 'of-the-profile'));
  });

  it('is good for whole seconds, and asked for anew before the credentials end that it is signed with', async () => {
    const Expiration = new Date(Date.now() + 512_345).toISOString();
    const body = JSON.stringify({ AccessKeyId: 'SHORT', SecretAccessKey: secretKey, Token: 't', Expiration });
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${await service({ body })}/credentials`);
    const { token, lifetimeSeconds } = await new AwsMskTokens(settings).fetch(deadlineMs);
    expect(addressIn(token).searchParams.get('X-Amz-Expires')).toBe('900');
    expect(lifetimeSeconds).toBeLessThanOrEqual(512.345);
    expect(lifetimeSeconds).toBeGreaterThan(400);
  });

  it('is renewed before it ends, and at once when a broker refuses it', async () => {
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const credentials = (name: string) => ({
      body: JSON.stringify({ AccessKeyId: name, SecretAccessKey: secretKey, Token: 't', Expiration: expiration }),
    });
    const address = await service(credentials('FIRST'), credentials('SECOND'), credentials('THIRD'));
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${address}/credentials`);
    const tokens = new BearerTokens(oauth);
    const signedBy = async (): Promise<string | undefined> =>
      addressIn(await tokens.current(deadlineMs))
        .searchParams.get('X-Amz-Credential')
        ?.split('/')[0];
    const startMs = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(startMs);
    expect(await Promise.all([signedBy(), signedBy()])).toEqual(['FIRST', 'FIRST']);
    clock.mockReturnValue(startMs + 700_000);
    expect(await signedBy()).toBe('FIRST');
    clock.mockReturnValue(startMs + 725_000);
    expect(await signedBy()).toBe('SECOND');
    expect(await signedBy()).toBe('SECOND');
    expect(tokens.verdictOn(Buffer.from('{"status":"invalid_token"}'))?.message).toMatch(/awsMsk\.region/);
    expect(await signedBy()).toBe('THIRD');
  });
});

describe('without a token for IAM', () => {
  it('says where the credentials of AWS come from', async () => {
    const error = await refusal(new AwsMskTokens(settings));
    expect(error).toMatchObject({ code: 'aws_credentials_missing' });
    expect(error.message).toMatch(/neither in the environment nor in the files of AWS/);
    const unknown = await refusal(new AwsMskTokens({ ...settings, profile: 'nobody' }));
    expect(unknown).toMatchObject({ code: 'aws_credentials_missing' });
    expect(unknown.message).toMatch(/not in the profile nobody/);
  });

  it('passes on who may not take on the role, and nothing of what was sent', async () => {
    giveKeys();
    const message = `User: edge is not authorized to perform: sts:AssumeRole\nthe request was: ${secretKey}`;
    const error = `<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error>`;
    vi.stubEnv('AWS_ENDPOINT_URL_STS', await service({ status: 403, body: `<ErrorResponse>${error}</ErrorResponse>` }));
    const refused = await refusal(new AwsMskTokens({ ...settings, roleArn }));
    expect(refused).toMatchObject({ code: 'token_unavailable' });
    expect(refused.message).toMatch(/AWS answered AccessDenied.*: User: edge is not authorized.*AssumeRole$/);
    expect(refused.cause).toBeUndefined();
  });

  it('shows of other failures a name at the most', async () => {
    const failing = (error: unknown) => new AwsMskTokens(settings, () => Promise.reject(error));
    const coded = Object.assign(new Error(`Command failed: ${secretKey}`), { code: 'ECONNREFUSED' });
    for (const error of [coded, new TypeError(secretKey), secretKey]) {
      const refused = await refusal(failing(error));
      expect(refused).toMatchObject({ code: 'token_unavailable' });
      expect(`${refused.message}${String(refused.cause)}`).not.toContain(secretKey);
    }
    expect((await refusal(failing(coded))).message).toMatch(/no token: ECONNREFUSED$/);
  });

  it('gives up what hangs at the deadline, and begins no other for a minute', async () => {
    let begun = 0;
    const hanging = (): Promise<SignedToken> => {
      begun += 1;
      return new Promise(() => undefined);
    };
    const tokens = new AwsMskTokens(settings, hanging);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    for (const _attempt of [1, 2]) expect((await refusal(tokens, 20)).message).toMatch(/no answer within 20 ms/);
    expect(begun).toBe(1);
    clock.mockReturnValue(60_001);
    await refusal(tokens, 20);
    expect(begun).toBe(2);
  });

  it('takes credentials that have expired for none', async () => {
    const expired = new AwsMskTokens(settings, () => Promise.resolve({ token: 'a', expiryTime: Date.now() - 1 }));
    expect((await refusal(expired)).message).toMatch(/have expired/);
  });
});

it("leaves AWS's SDK alone until a token is wanted", async () => {
  giveKeys();
  const file = (name: string) => JSON.stringify(join(import.meta.dirname, '../../../../gateway/kafka/security', name));
  const program = `
    import { createRequire } from 'node:module';
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('aws-msk-iam'));
    await import(${file('connection-options.ts')});
    const { AwsMskTokens } = await import(${file('aws-msk-tokens.ts')});
    const before = loaded();
    await new AwsMskTokens(${JSON.stringify(settings)}).fetch(${deadlineMs});
    console.log(before, loaded());`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stdout.trim()).toBe('false true');
}, 60_000);
