import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { AdminServer, type Readiness } from '../../../gateway/admin/server.ts';

let server: AdminServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const start = async (changes: { readiness?: () => Readiness; metricsText?: () => Promise<string> } = {}) => {
  server = new AdminServer({
    host: '127.0.0.1',
    port: 0,
    readiness: () => ({ ready: true, reasons: [] }),
    metricsText: async () => 'edge_up 1\n',
    metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
    ...changes,
  });
  const port = await server.start();
  return (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
};

describe('/livez', () => {
  it('answers while the gateway is not ready too', async () => {
    const get = await start({ readiness: () => ({ ready: false, reasons: ['starting'] }) });
    const response = await get('/livez');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ live: true });
  });
});

describe('/readyz', () => {
  it('follows the state of the gateway and says why it is not ready', async () => {
    let state: Readiness = { ready: false, reasons: ['starting', 'schemas_missing'] };
    const get = await start({ readiness: () => state });
    const before = await get('/readyz');
    expect(before.status).toBe(503);
    expect(await before.json()).toEqual(state);

    state = { ready: true, reasons: [] };
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual(state);

    state = { ready: false, reasons: ['draining'] };
    expect((await get('/readyz')).status).toBe(503);
  });
});

describe('/metrics', () => {
  it('serves the text with its content type', async () => {
    const get = await start();
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('edge_up 1\n');
  });

  it('keeps the text of a failure to itself', async () => {
    const get = await start({ metricsText: () => Promise.reject(new Error('a secret')) });
    const response = await get('/metrics');
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'internal_error' });
  });
});

describe('anything else', () => {
  it.each([
    ['/', { method: 'GET' }],
    ['/livez', { method: 'POST' }],
    ['/metrics/../etc/passwd', { method: 'GET' }],
  ])('%s %j is not found', async (path, init) => {
    const get = await start();
    const response = await get(path, init);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: 'not_found' });
  });
});

describe('the admin server', () => {
  it('says which port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const blocked = new AdminServer({
      host: '127.0.0.1',
      port,
      readiness: () => ({ ready: true, reasons: [] }),
      metricsText: async () => '',
      metricsContentType: 'text/plain',
    });
    await expect(blocked.start()).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    await blocked.close();
    other.close();
  });

  it('closes while a request hangs', async () => {
    const hanging = Promise.withResolvers<void>();
    const get = await start({
      metricsText: () => {
        hanging.resolve();
        return new Promise<string>(() => {});
      },
    });
    const response = get('/metrics').catch(() => 'cut off');
    await hanging.promise;
    await server?.close();
    expect(await response).toBe('cut off');
  });
});
