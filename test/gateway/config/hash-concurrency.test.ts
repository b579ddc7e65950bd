import { expect, it } from 'vitest';
import { hashConcurrencyOf } from '../../../gateway/config/hash-concurrency.ts';
import type { GatewayConfig } from '../../../gateway/config/schema.ts';

const configOf = (hashConcurrency: number) => ({ identity: { hashConcurrency } as GatewayConfig['identity'] });

it('as many passwords are hashed at once as is configured, or one less than there are cores, and two at the most', () => {
  expect([1, 2, 3, 4, 64].map((cores) => hashConcurrencyOf(configOf(0), cores))).toEqual([1, 1, 2, 2, 2]);
  expect([1, 2, 3, 4, 64].map((cores) => hashConcurrencyOf(configOf(7), cores))).toEqual([7, 7, 7, 7, 7]);
  expect(hashConcurrencyOf(configOf(0))).toBeGreaterThan(0);
});
