import { describe, expect, test } from 'vitest';
import type { AccessKind } from '../../gateway/kafka/security/access-failure.ts';
import { type RecordWays, recordConditions } from '../../gateway/record-conditions.ts';

interface Scene {
  readonly reachable?: boolean;
  readonly refused?: AccessKind;
  readonly oldestUnsettledMs?: number;
  readonly spooled?: RecordWays['spooled'];
}

function reasons({ reachable = true, refused, oldestUnsettledMs = 0, spooled }: Scene): string[] {
  const stats = { oldestUnsettledMs } as ReturnType<NonNullable<RecordWays['producer']>['stats']>;
  const missing = reachable ? [] : ['events'];
  const producer = { isReachable: () => reachable, missingTopics: () => missing, stats: () => stats };
  const access = { isRefused: (kind: AccessKind) => kind === refused };
  const conditions = recordConditions(() => ({ producer, access, spooled }), 1000);
  return conditions.filter(({ holds }) => holds()).map(({ reason }) => reason);
}

const spool = (state: 'direct' | 'spooling' | 'replaying') => ({ state, blockedReason: undefined, canSpool: true });
const away = { reachable: false };

describe('whether devices should be sent here', () => {
  test('depends on Kafka where there is no spool', () => {
    expect(reasons({})).toEqual([]);
    expect(reasons({ ...away, oldestUnsettledMs: 1000 })).toEqual([
      'kafka_unreachable',
      'topic_missing',
      'records_unsettled',
    ]);
  });

  test('names what Kafka refuses, unless a spool takes the records', () => {
    expect(reasons({ refused: 'tls' })).toEqual(['kafka_tls_failed']);
    expect(reasons({ refused: 'login' })).toEqual(['kafka_login_failed']);
    expect(reasons({ refused: 'permission' })).toEqual(['kafka_not_authorized']);
    expect(reasons({ refused: 'permission', spooled: spool('spooling') })).toEqual([]);
  });

  test('does not depend on Kafka while the spool takes records', () => {
    expect(reasons({ ...away, oldestUnsettledMs: 1000, spooled: spool('spooling') })).toEqual([]);
    expect(reasons({ ...away, oldestUnsettledMs: 1000, spooled: spool('replaying') })).toEqual([]);
  });

  test('does not depend on it either before the first record of an outage has come', () => {
    expect(reasons({ ...away, spooled: spool('direct') })).toEqual([]);
    expect(reasons({ ...away, oldestUnsettledMs: 1000, spooled: spool('direct') })).toEqual(['records_unsettled']);
  });

  test('depends on both when the spool could not take over', () => {
    expect(reasons({ ...away, spooled: { ...spool('direct'), canSpool: false } })).toEqual([
      'kafka_unreachable',
      'topic_missing',
    ]);
    expect(reasons({ spooled: { state: 'spooling', blockedReason: 'spool_full', canSpool: false } })).toEqual([
      'spool_full',
    ]);
  });
});
