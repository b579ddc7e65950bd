import { describe, expect, it } from 'vitest';
import type { DeviceAdministration } from '../../../gateway/administration/devices.ts';
import { waitFor } from '../../support/wait-for.ts';
import { scene } from './support.ts';

/** A registry that rotates a secret when the test says so. */
class SlowRegistry {
  readonly #begun = Promise.withResolvers<void>();
  readonly #rotated = Promise.withResolvers<{ readonly secret: string; readonly sessionsEnded: number }>();
  readonly begun: Promise<void> = this.#begun.promise;

  rotate(): Promise<{ readonly secret: string; readonly sessionsEnded: number }> {
    this.#begun.resolve();
    return this.#rotated.promise;
  }

  finish(): void {
    this.#rotated.resolve({ secret: 'new-secret', sessionsEnded: 1 });
  }
}

const listening = async (settleMs: number) => {
  const registry = new SlowRegistry();
  const devices = registry as unknown as DeviceAdministration;
  const { server, tokens, records } = await scene({ options: { devices: () => devices, settleMs } });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${tokens.admin}` };
  const rotate = () => fetch(`${address}/v1/devices/dev-1/secret`, { method: 'POST', headers });
  const look = () => fetch(`${address}/v1/log-level`, { headers }).then(({ status }) => status);
  const outcomes = () => records().map(({ action, outcome }) => `${String(action)} ${String(outcome)}`);
  return { server, registry, rotate, look, outcomes };
};

describe('a change that is being made when the server is closed', () => {
  it('is waited for, answered and on record with its outcome', async () => {
    const { server, registry, rotate, look, outcomes } = await listening(60_000);
    const answer = rotate();
    await registry.begun;
    const closed = server.close();
    // Whoever comes now is sent away.
    await waitFor(async () => (await look()) === 503, {
      deadlineMs: 5000,
      what: 'new requests to be refused',
    });
    registry.finish();
    const { status } = await answer;
    expect([status, await (await answer).json()]).toMatchObject([200, { secret: 'new-secret' }]);
    await closed;
    expect(outcomes().slice(1)).toEqual(['device.rotate attempted', 'device.rotate succeeded']);
  });

  it('is of unknown outcome on record where it takes too long, and does not keep the server from closing', async () => {
    const { server, registry, rotate, outcomes } = await listening(1);
    const answer = rotate().then(
      ({ status }) => status,
      () => 'cut off',
    );
    await registry.begun;
    await server.close();
    registry.finish();
    expect(await answer).toBe('cut off');
    expect(outcomes().slice(1)).toEqual(['device.rotate attempted', 'device.rotate unknown']);
  });

  it('is not begun any more', async () => {
    const { ask, registry, trail, records } = await scene();
    const device = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'v', secretHash: 'x', enabled: true } as const;
    await registry.add({ ...device, createdAtMs: 1, rotatedAtMs: undefined });
    await trail.settle(1);
    const answer = await ask('/v1/devices/dev-1', { method: 'PATCH', payload: { enabled: false } });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ type: 'urn:edge-ingest-gateway:problem:shutting_down' });
    expect(await registry.find('dev-1')).toMatchObject(device);
    expect(records()).toHaveLength(1);
  });
});
