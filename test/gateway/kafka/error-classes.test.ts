import { protocolErrors } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerClasses,
  classify,
  describeFailure,
  errorName,
  mayBeAppended,
} from '../../../gateway/kafka/error-classes.ts';

const codeOf = (name: string): number =>
  Object.values(protocolErrors).find(({ id }) => id === name)?.code ?? Number.NaN;

describe('the class of an error', () => {
  test('exists for every code there is or will be', () => {
    fc.assert(fc.property(fc.integer({ min: -32768, max: 32767 }), (code) => answerClasses.includes(classify(code))));
    expect(classify(30_000)).toBe('unknown');
    expect(errorName(30_000)).toBe('CODE_30000');
  });

  test('is one to try again for every error that Kafka calls retriable', () => {
    const retriable = Object.values(protocolErrors).filter(({ canRetry }) => canRetry);
    const again = ['retry', 'retry_elsewhere', 'unknown'];
    for (const { id, code } of retriable) expect([id, again.includes(classify(code))]).toEqual([id, true]);
  });

  test('asks who leads when the leader fails with its followers, as it may not know that it leads no more', () => {
    const names = ['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT'];
    expect(names.map((name) => classify(codeOf(name)))).toEqual(names.map(() => 'retry_elsewhere'));
  });

  test('never gives up a record but for its size or its content', () => {
    const final = Object.values(protocolErrors).filter(({ code }) =>
      ['too_large', 'invalid_record'].includes(classify(code)),
    );
    expect(final.map(({ id }) => id).sort()).toEqual([
      'INVALID_RECORD',
      'INVALID_TIMESTAMP',
      'MESSAGE_TOO_LARGE',
      'RECORD_LIST_TOO_LARGE',
    ]);
  });

  test('is delivered only for no error and for what Kafka had before', () => {
    const delivered = Object.values(protocolErrors).filter(({ code }) => classify(code) === 'delivered');
    expect(delivered.map(({ id }) => id).sort()).toEqual(['DUPLICATE_SEQUENCE_NUMBER', 'NONE']);
  });

  test('tells whether the batch may be in the log all the same', () => {
    expect(mayBeAppended(codeOf('NOT_ENOUGH_REPLICAS'))).toBe(false);
    expect(mayBeAppended(codeOf('NOT_ENOUGH_REPLICAS_AFTER_APPEND'))).toBe(true);
    expect(mayBeAppended(codeOf('NOT_LEADER_OR_FOLLOWER'))).toBe(true);
    expect(mayBeAppended(30_000)).toBe(true);
  });
});

describe('the text of a failure', () => {
  test('goes down to the innermost cause', () => {
    const error = new Error('Connection failed.', { cause: new Error('connect ECONNREFUSED') });
    expect(describeFailure(error)).toBe('Connection failed.: connect ECONNREFUSED');
    expect(describeFailure(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b');
    expect(describeFailure('odd')).toBe('odd');
    expect(describeFailure(new TypeError(''))).toBe('TypeError');
  });
});
