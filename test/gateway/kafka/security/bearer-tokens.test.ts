import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResponseError, type SASLOptions } from '@platformatic/kafka';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BearerTokens } from '../../../../gateway/kafka/security/bearer-tokens.ts';
import { secureOptions } from '../../../../gateway/kafka/security/connection-options.ts';
import type { OauthSettings } from '../../../../gateway/kafka/security/settings.ts';

type Login = Parameters<NonNullable<SASLOptions['authenticate']>>;

const none: OauthSettings = {
  ...{ tokenFile: '', tokenEndpoint: '', clientId: '', clientSecret: '', clientSecretFile: '', scope: '' },
  awsMsk: { region: '', roleArn: '', profile: '' },
};
const secret = 'canary secret/ä';
const deadlineMs = 5000;

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokens-'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

interface Asked {
  readonly authorization: string | undefined;
  readonly body: string;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** A token endpoint that answers with `answers`, one after the other. */
async function endpoint(...answers: { status?: number; body: object | string; location?: string }[]) {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked.push({ authorization: request.headers.authorization, body });
      const answer = answers.shift() ?? { status: 500, body: 'no more answers' };
      const headers = answer.location === undefined ? {} : { location: answer.location };
      response.writeHead(answer.status ?? 200, headers);
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const tokenEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const settings = { ...none, tokenEndpoint, clientId: 'gate:way', clientSecret: secret, scope: 'kafka' };
  return { asked, settings, tokens: new BearerTokens(settings) };
}

describe('a token from a file', () => {
  it('is read anew each time', async () => {
    const tokenFile = join(folder, 'token');
    const tokens = new BearerTokens({ ...none, tokenFile });
    writeFileSync(tokenFile, 'first.token\n');
    expect(await tokens.current(deadlineMs)).toBe('first.token');
    writeFileSync(tokenFile, 'second.token');
    expect(await tokens.current(deadlineMs)).toBe('second.token');
  });

  it.each(['', 'with space', 'with\u0001auth=Bearer other'])('must be one: %j', async (text) => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, text);
    const failure = new BearerTokens({ ...none, tokenFile }).current(deadlineMs);
    await expect(failure).rejects.toMatchObject({ code: 'credentials_unreadable' });
    await expect(failure).rejects.not.toThrow(/with/);
  });

  it('must be there', async () => {
    const tokens = new BearerTokens({ ...none, tokenFile: join(folder, 'nothing') });
    await expect(tokens.current(deadlineMs)).rejects.toThrow(/tokenFile.*cannot be read \(ENOENT\)/);
  });
});

describe('a token from an endpoint', () => {
  it('is asked for with client credentials, once for all connections, and kept for most of its life', async () => {
    const { asked, tokens } = await endpoint({ body: { access_token: 'a.b', token_type: 'Bearer', expires_in: 3600 } });
    expect(await Promise.all([tokens.current(deadlineMs), tokens.current(deadlineMs)])).toEqual(['a.b', 'a.b']);
    expect(await tokens.current(deadlineMs)).toBe('a.b');
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'kafka',
    });
    const credentials = Buffer.from(asked[0]?.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    expect(credentials.split(':').map(decodeURIComponent)).toEqual(['gate:way', secret]);
  });

  it('is asked for anew when a broker has refused it', async () => {
    const { tokens } = await endpoint(
      { body: { access_token: 'old', expires_in: 3600 } },
      { body: { access_token: 'new', expires_in: 3600 } },
    );
    expect(await tokens.current(deadlineMs)).toBe('old');
    expect(tokens.verdictOn(Buffer.from('{"status":"invalid_token"}'))).toMatchObject({ code: 'login_failed' });
    expect(await tokens.current(deadlineMs)).toBe('new');
    expect(tokens.verdictOn(Buffer.alloc(0))).toBeNull();
  });

  it('is asked for anew when a broker has ended the login for it, not when the connection broke', async () => {
    const { asked, settings } = await endpoint(
      { body: { access_token: 'old', expires_in: 3600 } },
      { body: { access_token: 'new', expires_in: 3600 } },
    );
    const sasl = { mechanism: 'OAUTHBEARER' as const, userName: '', password: '', passwordFile: '', oauth: settings };
    const options = secureOptions({ sasl }, ['localhost'], deadlineMs).sasl;
    const shown: string[] = [];
    const failures = [new Error('socket hang up'), new ResponseError(36, 2, { '/': [58, 'Access denied'] }, {})];
    for (const failure of [...failures, null]) {
      await new Promise<void>((resolve) => {
        const broker = (_connection: unknown, login: Buffer, answer: (error: Error | null, answer: object) => void) => {
          shown.push(/auth=Bearer (\w+)/.exec(login.toString())?.[1] ?? '');
          answer(failure, {});
        };
        const api = broker as unknown as Login[2];
        const connection = undefined as unknown as Login[1];
        options?.authenticate?.('OAUTHBEARER', connection, api, undefined, undefined, options.token, () => resolve());
      });
    }
    expect(shown).toEqual(['old', 'old', 'new']);
    expect(asked).toHaveLength(2);
  });

  it('is shown until shortly before its end when no other can be had', async () => {
    const { asked, tokens } = await endpoint({ body: { access_token: 'old', expires_in: 100 } });
    const startMs = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(startMs);
    try {
      expect(await tokens.current(deadlineMs)).toBe('old');
      clock.mockReturnValue(startMs + 90_000);
      expect(await tokens.current(deadlineMs)).toBe('old');
      expect(asked).toHaveLength(2);
      clock.mockReturnValue(startMs + 99_000);
      await expect(tokens.current(deadlineMs)).rejects.toMatchObject({ code: 'token_unavailable' });
    } finally {
      clock.mockRestore();
    }
  });

  it('is not kept when its life is unknown', async () => {
    const { asked, tokens } = await endpoint({ body: { access_token: 'a' } }, { body: { access_token: 'b' } });
    await tokens.current(deadlineMs);
    expect(await tokens.current(deadlineMs)).toBe('b');
    expect(asked).toHaveLength(2);
  });

  it.each([
    [{ status: 401, body: { error: 'invalid_client' } }, /answered with 401 \(invalid_client\)/],
    [{ status: 500, body: `<html>${secret}</html>` }, /answered with 500$/],
    [{ body: { token: 'x' } }, /no access_token/],
    [{ body: { access_token: 'x', token_type: 'mac' } }, /no bearer token/],
    [{ body: 'x'.repeat(100_000) }, /longer than/],
    [{ status: 302, body: '', location: 'http://127.0.0.1:1/' }, /no token/],
  ])('fails without a word of the secret: %j', async (answer, message) => {
    const { tokens } = await endpoint(answer);
    const error = await tokens.current(deadlineMs).catch((failure: unknown) => failure as Error);
    expect(error).toMatchObject({ code: 'token_unavailable' });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('canary');
  });

  it('fails when nobody answers, and is asked for again the next time', async () => {
    const tokens = new BearerTokens({
      ...none,
      tokenEndpoint: 'http://127.0.0.1:1/',
      clientId: 'c',
      clientSecret: secret,
    });
    await expect(tokens.current(deadlineMs)).rejects.toMatchObject({ code: 'token_unavailable' });
    await expect(tokens.current(deadlineMs)).rejects.toMatchObject({ code: 'token_unavailable' });
  });
});
