import { expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { leastCeilingBytes } from '../../../gateway/config/memory-needs.ts';

const load = (maxBytes: number) => loadConfig({ settings: { memory: { maxBytes } }, env: {} });

it('a memory ceiling that the limits would run into is refused, with what they add up to', () => {
  const refused = load(100_000_000);
  if (refused.ok) throw new Error('taken');
  const [line = ''] = refused.errors.map(describeConfigError);
  expect(line).toMatch(/^memory\.maxBytes: 100000000 contradicts another setting; needed: at least \d+ \(\d+ MiB\)/);
  for (const part of ['mqtt.maxConnections', 'kafka.hardBytes', 'the process itself']) expect(line).toContain(part);
});

it('the least ceiling that is named is taken, and nothing below it; 0 asks for no check', () => {
  const config = load(0);
  if (!config.ok) throw new Error('refused');
  const least = leastCeilingBytes(config.config);
  expect(load(least).ok).toBe(true);
  expect(load(least - 1).ok).toBe(false);
});

it('geofences count with what their limit allows, while they are exchanged twice, and are named', () => {
  const withFences = (path: string | undefined, maxPositions: number) =>
    loadConfig({
      settings: {
        memory: { maxBytes: 100_000_000 },
        alerts: { enabled: true, geofences: { ...(path && { path }), maxPositions } },
      },
      env: {},
    });
  const partOf = (path: string | undefined, maxPositions: number) => {
    const refused = withFences(path, maxPositions);
    if (refused.ok) throw new Error('taken');
    return /alerts\.geofences\.maxPositions (\d+) MiB/.exec(refused.errors.map(describeConfigError).join('\n'))?.[1];
  };
  expect(partOf('fences.json', 1_000_000)).toBe('602');
  expect(partOf('fences.json', 10_000)).toBe('49');
  expect(partOf(undefined, 1_000_000)).toBe('0');
});

it('a socket that waits for its handshake counts with what it may have sent', () => {
  const least = (queueMax: number): number => {
    const tls = { certFile: '/c.pem', keyFile: '/c.key' };
    const settings = { listeners: [{ name: 'a', tls }], limits: { handshakes: { queueMax } } };
    const config = loadConfig({ settings, env: {} });
    if (!config.ok) throw new Error('refused');
    return leastCeilingBytes(config.config);
  };
  expect(least(11_000) - least(1_000)).toBeGreaterThan(10_000 * (8_192 + 4_096));
});

it('connections count for more where a listener has TLS or WebSocket', () => {
  const least = (listener: object): number => {
    const config = loadConfig({ settings: { listeners: [{ name: 'a', ...listener }] }, env: {} });
    if (!config.ok) throw new Error('refused');
    return leastCeilingBytes(config.config);
  };
  const tls = { certFile: '/c.pem', keyFile: '/c.key' };
  expect(least({ tls }) - least({})).toBeGreaterThan(20_000 * 78_000);
  const more = least({ tls: { ...tls, maxHandshakes: 11_000 } }) - least({ tls: { ...tls, maxHandshakes: 1_000 } });
  expect(more).toBeGreaterThan(10_000 * 78_000);
  expect(least({ transport: 'websocket' }) - least({})).toBeGreaterThan(20_000 * 15_000);
});
