import { describe, expect, it, onTestFinished } from 'vitest';
import { type SimulatorSettings, simulatorDefaults } from '../../device-simulator/config/settings.ts';
import { Screen } from '../../device-simulator/report/screen.ts';
import { simulate } from '../../device-simulator/simulate.ts';
import { FakeServer, type FakeServerOptions } from './mqtt/fake-server.ts';

const never = new AbortController().signal;

async function run(server: FakeServerOptions, change: Partial<SimulatorSettings> = {}, stop: AbortSignal = never) {
  const fake = await FakeServer.start(server);
  onTestFinished(() => fake[Symbol.asyncDispose]());
  const settings: SimulatorSettings = {
    ...simulatorDefaults,
    addresses: [{ host: '127.0.0.1', port: fake.port }],
    followsAnyServer: false,
    version: 5,
    vehicles: 8,
    bays: 4,
    rate: 10,
    bayRate: 5,
    seconds: 1,
    drainSeconds: 1,
    secrets: { kind: 'anonymous' },
    verify: undefined,
    ...change,
  };
  let text = '';
  const screen = new Screen({ write: (part) => (text += part) });
  const result = simulate(settings, screen, { stop, abandon: never });
  return { fake, result, text: () => text };
}

describe('a simulated fleet', () => {
  it('sends what the schedule wants, by every device, and reports it', async () => {
    const { fake, result, text } = await run({});
    const { verdict, faults } = await result;
    expect(faults).toEqual([]);
    expect(verdict).toMatchObject({ sent: 100, acked: 100, inKafka: null, lost: null });
    expect(verdict.pubackP50Ms).toBeGreaterThan(0);
    expect(new Set(fake.publishes.map(({ clientId }) => clientId)).size).toBe(12);
    expect(text()).toContain('Verdict: good');
  });

  it('is a failure when nothing is acknowledged, after a bounded wait', async () => {
    const { result } = await run({ onPublish: () => undefined }, { drainSeconds: 0 });
    const { verdict, faults } = await result;
    expect(verdict).toMatchObject({ sent: 100, acked: 0 });
    expect(faults).toEqual(['nothing was acknowledged']);
  });

  it('ends at once, and says why, when every device is refused for good', async () => {
    const { result } = await run({ connack: () => ({ cmd: 'connack', sessionPresent: false, reasonCode: 0x86 }) });
    await expect(result).rejects.toThrow('refused: 0x86 bad user name or password');
  });

  it('sends no more when it is stopped, and comes to its verdict', async () => {
    const stop = new AbortController();
    const { fake, result } = await run(
      {
        onPublish: ({ packetId }, { send }) => {
          send({ cmd: 'puback', messageId: packetId, reasonCode: 0 });
          stop.abort();
        },
      },
      { seconds: 3_600 },
      stop.signal,
    );
    const { verdict } = await result;
    expect(verdict.sent).toBeGreaterThan(0);
    expect(verdict.acked).toBe(verdict.sent);
    expect(fake.publishes.length).toBe(verdict.sent);
  });
});
