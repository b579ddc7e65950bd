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
