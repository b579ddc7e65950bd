import { describe, expect, it } from 'vitest';
import { withEarlierVerdicts } from '../../../faults/judge/earlier-verdicts.ts';
import { verdictFindings } from '../../../faults/judge/findings.ts';
import { goodVerdict } from '../samples.ts';

const flawless = { ...goodVerdict, duplicated: 0, duplicatedLetters: 0 };

describe('verdicts on a topic that was deleted between them', () => {
  it.each(verdictFindings.filter((finding) => finding !== 'lostLetters'))(
    'are red when the earlier one found something %s',
    (finding) => {
      const earlier = { ...flawless, [finding]: 2, examples: [`${finding}: veh-1`] };
      const combined = withEarlierVerdicts({ ...flawless, [finding]: 1, examples: ['later'] }, [earlier]);
      expect(combined[finding]).toBe(3);
      expect(combined.examples).toEqual([`${finding}: veh-1`, 'later']);
    },
  );

  it('count a letter once that both of them saw', () => {
    const both = { ...flawless, lost: 2, lostLetters: 1, duplicated: 5, duplicatedLetters: 3 };
    expect(withEarlierVerdicts(both, [both])).toMatchObject({ lost: 3, lostLetters: 1, duplicated: 7 });
  });

  it('are the last one where there is no earlier one', () => {
    expect(withEarlierVerdicts(goodVerdict, [])).toEqual(goodVerdict);
  });
});
