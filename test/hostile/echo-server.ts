import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that refuses every request and tells everything about it again, as proxies and debugging pages do. */
export interface EchoServer extends AsyncDisposable {
  readonly port: number;
  readonly requests: number;
}

export async function startEchoServer(): Promise<EchoServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const { authorization = '' } = request.headers;
    const decoded = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
    const told = `${request.url} ${authorization} ${decoded} ${decodeURIComponent(decoded)}`;
    response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="x"' });
    response.end(JSON.stringify({ error: told, error_description: told, error_code: 401, message: told }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
