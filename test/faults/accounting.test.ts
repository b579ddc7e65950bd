import { describe, expect, it } from 'vitest';
import { accountOf, accountProblemIn, describeAccount, imbalanceOf } from '../../faults/accounting.ts';

const figures = {
  received: 12,
  delivered: 5,
  spooled: 1,
  dead_lettered: 2,
  unlettered: 1,
  unkept: 0,
  duplicate: 0,
  shed: 1,
  unanswered: 1,
};

const samples = (values: Readonly<Record<string, number>> = figures) => [
  ...Object.entries(values).map(([name, value]) => ({ name: `edge_publishes_${name}_total`, labels: '', value })),
  { name: 'edge_publishes_in_flight', labels: '', value: 1 },
];

describe("the gateway's account, as the harness reads it", () => {
  it('adds up when every publish received became something or is in flight', () => {
    expect(imbalanceOf(accountOf(samples()))).toBe(0);
  });

  it('sums the samples of one name over their labels', () => {
    const more = [...samples(), { name: 'edge_publishes_dead_lettered_total', labels: '{reason="x"}', value: 3 }];
    expect(imbalanceOf(accountOf(more))).toBe(-3);
  });

  it('counts duplicates', () => {
    expect(imbalanceOf(accountOf(samples({ ...figures, received: 14, duplicate: 2 })))).toBe(0);
  });

  it('tells by how much it is short', () => {
    expect(imbalanceOf(accountOf(samples({ ...figures, received: 13 })))).toBe(1);
  });

  it('refuses a figure that is not exported: it must not pass for 0', () => {
    const { shed: _, ...rest } = figures;
    expect(() => accountOf(samples(rest))).toThrow('edge_publishes_shed_total');
  });

  it('is wrong by its own sum or by the self-check of the gateway, and says by how much', () => {
    const selfCheck = (value: number) => ({ name: 'edge_accounting_mismatch', labels: '', value });
    expect(accountProblemIn([...samples(), selfCheck(0)])).toBeUndefined();
    expect(accountProblemIn([...samples(), selfCheck(-2)])).toContain('out by -2');
    expect(accountProblemIn([...samples({ ...figures, received: 13 }), selfCheck(0)])).toContain('1 short');
    expect(accountProblemIn(samples())).toContain('/metrics has no edge_accounting_mismatch');
    expect(accountProblemIn([])).toContain('/metrics has no edge_publishes_received_total');
  });

  it('is written as the sum that it is', () => {
    expect(describeAccount(accountOf(samples()))).toBe(
      'received 12 = delivered 5 + spooled 1 + dead_lettered 2 + unlettered 1 + unkept 0 + duplicate 0 + shed 1 + unanswered 1 + in flight 1',
    );
  });
});
