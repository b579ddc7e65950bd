import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface RegistryStub {
  readonly url: string;
  readonly requests: StubRequest[];
  close(): Promise<void>;
}

/** What a request line is answered with, in order; the last answer repeats. 'never': the request stays open. */
export type StubAnswers = Readonly<Record<string, readonly ([status: number, body: unknown] | 'never')[]>>;

/** Answers as it is told, on a port of its own; 404 in the registry's words to everything else. */
export async function startRegistryStub(answers: StubAnswers): Promise<RegistryStub> {
  const requests: StubRequest[] = [];
  const given = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push({ line, headers: request.headers, body });
      const count = given.get(line) ?? 0;
      given.set(line, count + 1);
      const answer = answers[line]?.[Math.min(count, answers[line].length - 1)];
      if (answer === 'never') return;
      const [status, content] = answer ?? [404, { error_code: 40401, message: 'not found' }];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof content === 'string' ? content : JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
