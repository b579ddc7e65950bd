import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../device-simulator/core/random.ts';
import { mergeSections } from '../../../faults/scenario-settings.ts';
import { disturbances, drawPair } from '../../../faults/scenarios/pairs.ts';
import { scenarioNamed, scenarios } from '../../../faults/scenarios/scenarios.ts';

describe('the scenarios', () => {
  it('have names of their own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s says what is done, and is shorter in the short form',
    (_name, { title, what, seconds }) => {
      expect(title).not.toBe('');
      expect(what).not.toBe('');
      expect(seconds.short).toBeLessThanOrEqual(seconds.long);
    },
  );

  it('are all run in the short form, too, but for the one that takes minutes', () => {
    expect(scenarios.filter(({ longOnly }) => longOnly).map(({ name }) => name)).toEqual(['spool-backlog']);
  });

  it('are found by name, and an unknown one is refused', () => {
    expect(scenarioNamed('none').title).toBe('Nothing breaks');
    expect(() => scenarioNamed('earthquake')).toThrow('there is no scenario earthquake');
  });
});

describe('pairs of faults', () => {
  it('are drawn from the seed', () => {
    const draw = (seed: number) => {
      const random = randomStream(seed, 1);
      return Array.from({ length: 20 }, () => drawPair(random).map(({ name }) => name));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('never hit the same target twice', () => {
    const random = randomStream(1, 1);
    for (let i = 0; i < 200; i += 1) {
      const [first, second] = drawPair(random);
      expect(first.target).not.toBe(second.target);
    }
  });

  it('cannot be drawn from faults of one target', () => {
    const brokers = disturbances.filter(({ target }) => target === 'brokers');
    expect(() => drawPair(randomStream(1, 1), brokers)).toThrow('no two disturbances');
  });
});

describe('the settings of a scenario', () => {
  it('are merged setting by setting, later ones win', () => {
    expect(
      mergeSections([{ kafka: { lingerMs: 5, softRecords: 10 } }, { kafka: { lingerMs: 9 }, log: { level: 'info' } }]),
    ).toEqual({ kafka: { lingerMs: 9, softRecords: 10 }, log: { level: 'info' } });
  });
});
