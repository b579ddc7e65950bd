import { expect, test } from 'vitest';
import { KafkaAccessError } from '../../../../gateway/kafka/security/access-failure.ts';
import { AccessWatch } from '../../../../gateway/kafka/security/access-watch.ts';

const login = new KafkaAccessError('login_failed', 'wrong password');

test('what is refused is told, held until it works again, and named by its kind', () => {
  const told: string[] = [];
  const watch = new AccessWatch((where, { code }) => told.push(`${where} ${code}`));
  watch.failed('broker 1', login);
  watch.answered('topic a', 'TOPIC_AUTHORIZATION_FAILED');
  expect(told).toEqual(['broker 1 login_failed', 'topic a topic_not_authorized']);
  expect([watch.isRefused('login'), watch.isRefused('permission'), watch.isRefused('tls')]).toEqual([
    true,
    true,
    false,
  ]);
  watch.succeeded('broker 1');
  expect([watch.isRefused('login'), watch.isTroubled]).toEqual([false, true]);
  watch.succeeded('topic a');
  expect(watch.isTroubled).toBe(false);
});

test('other failures are none of its business', () => {
  const watch = new AccessWatch(() => expect.unreachable());
  watch.failed('broker 1', new Error('ECONNREFUSED'));
  watch.answered('topic a', 'NOT_LEADER_OR_FOLLOWER');
  expect(watch.isTroubled).toBe(false);
});

test('what is tried rarely stays refused from one attempt to the next', () => {
  const watch = new AccessWatch(() => undefined, 300_000);
  watch.failed('broker 1', login);
  expect(watch.isRefused('login', performance.now() + 590_000)).toBe(true);
  expect(watch.isRefused('login', performance.now() + 610_000)).toBe(false);
});

test('what is not tried any more fades', () => {
  const watch = new AccessWatch(() => undefined);
  watch.failed('broker 1', login);
  expect(watch.isRefused('login', performance.now() + 29_000)).toBe(true);
  expect(watch.isRefused('login', performance.now() + 31_000)).toBe(false);
});
