import { describe, expect, test } from 'vitest';
import { examplesOf, exitCodeOf, figuresOf, type SoakMeasurements, soakProblems } from '../../../faults/soak/result.ts';
import { goodSoak } from './measured.ts';

const good = goodSoak();
const changed = (changes: Partial<SoakMeasurements>): SoakMeasurements => ({ ...good, ...changes });

describe('the verdict of a soak', () => {
  test('is good when nothing was lost and memory is flat', () => {
    expect(soakProblems(good)).toEqual([]);
    expect(exitCodeOf(good)).toBe(0);
  });

  test.each([
    ['something was lost', { verdict: { ...good.verdict, lost: 1 } }],
    ['something is out of order', { verdict: { ...good.verdict, outOfOrder: 1 } }],
    ['there are more duplicates than were sent again', { verdict: { ...good.verdict, duplicated: 91 } }],
    ['the account does not add up', { accountProblems: ['the account is 1 short'] }],
    ['something was never answered', { verdict: { ...good.verdict, unanswered: 1 } }],
    ['the gateway did not end well', { exitCode: 1 }],
    ['the rate did not hold', { fleet: { ...good.fleet, acked: 8_000_000 } }],
    ['the vehicles could not keep what they had to send', { fleet: { ...good.fleet, overflowed: 1 } }],
    ['no leader was moved', { disturbances: { ...good.disturbances, leaderMoves: 0 } }],
    ['a move of leaders failed', { disturbances: { ...good.disturbances, failedMoves: 1 } }],
  ] as const)('is bad when %s', (_what, changes) => {
    const measured = changed(changes);
    expect(soakProblems(measured)).not.toEqual([]);
    expect(exitCodeOf(measured)).toBe(1);
  });

  test('is bad when memory grows', () => {
    const leaking = goodSoak(1);
    expect(soakProblems(leaking).map(({ text }) => text)).toContainEqual(expect.stringContaining('memory grows'));
    expect(exitCodeOf(leaking)).toBe(1);
  });

  test('is none when the run was too short to speak about memory', () => {
    expect(exitCodeOf(changed({ memory: { ...good.memory, trend: 'unclear' } }))).toBe(2);
  });

  test('gives no examples of duplicates that are explained', () => {
    const verdict = { ...good.verdict, examples: ['lost: a', 'duplicated: b'] };
    expect(examplesOf(changed({ verdict }))).toEqual(['lost: a']);
    expect(examplesOf(changed({ verdict, duplicateBound: 79 }))).toEqual(['lost: a', 'duplicated: b']);
  });

  test('ends in figures that a program can read', () => {
    const figures = JSON.parse(JSON.stringify(figuresOf(good))) as Record<string, unknown>;
    expect(figures).toMatchObject({ minutes: 30, acked: 8_982_000, lost: 0, duplicated: 80, memory: 'flat' });
    expect(figures.heapMbPerHour).toHaveLength(3);
  });
});
