import { onTestFinished } from 'vitest';
import { createFleet } from '../../../device-simulator/core/fleet.ts';
import { Ledger } from '../../../device-simulator/core/ledger.ts';
import { GatewayAddresses } from '../../../device-simulator/mqtt/addresses.ts';
import { FleetPublisher, type PublisherOptions } from '../../../device-simulator/mqtt/publisher.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FakeServer, type FakeServerOptions } from './fake-server.ts';

/** A payload that is nothing but its sequence number. */
export const encode = (sequence: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(sequence);
  return payload;
};
export const sequenceOf = (payload: Buffer): number => payload.readUInt32BE(0);

/** A publisher with one device, and a server for it; both end with the test. */
export async function start(server: FakeServerOptions = {}, options: Partial<PublisherOptions> = {}) {
  const ledger = new Ledger();
  const fake = await FakeServer.start(server);
  const latencies: number[] = [];
  const publisher = new FleetPublisher({
    addresses: new GatewayAddresses([{ host: '127.0.0.1', port: fake.port }]),
    version: 5,
    devices: createFleet({ vehicles: 1, bays: 0, runId: 1 }),
    secrets: undefined,
    keepAliveSeconds: 60,
    window: 16,
    backlog: 100,
    seed: 1,
    ledger,
    onLatency: (latencyMs) => latencies.push(latencyMs),
    ...options,
  });
  publisher.start(0);
  onTestFinished(async () => {
    await publisher.close(0);
    await fake[Symbol.asyncDispose]();
  });
  return { publisher, fake, ledger, latencies };
}

export const until = (what: string, condition: () => boolean): Promise<true> =>
  waitFor(() => condition(), { deadlineMs: 10_000, what });

export const connected = (publisher: FleetPublisher): Promise<true> =>
  until('the connection', () => publisher.connected === 1);
