import { describe, expect, test } from 'vitest';
import { Reachability } from '../../../gateway/kafka/reachability.ts';

const afterMs = 5000;

describe('Kafka is reachable', () => {
  test('until no broker has answered for the given time', () => {
    const reachability = new Reachability();
    expect(reachability.isReachable(1000, afterMs)).toBe(true);
    reachability.failure(1000);
    expect(reachability.isReachable(1000 + afterMs, afterMs)).toBe(true);
    expect(reachability.isReachable(1001 + afterMs, afterMs)).toBe(false);
    reachability.contact(8000);
    expect(reachability.isReachable(20_000, afterMs)).toBe(true);
  });

  test('while one broker hangs for longer than that, and another has answered meanwhile', () => {
    const reachability = new Reachability();
    reachability.contact(10_500);
    reachability.failure(1000);
    expect(reachability.isReachable(11_000, afterMs)).toBe(true);
    expect(reachability.isReachable(15_501, afterMs)).toBe(false);
  });
});
