import { describe, expect, it } from 'vitest';
import { Timeline } from '../../faults/timeline.ts';
import { observation, sample } from './samples.ts';

describe('the timeline', () => {
  it('takes samples whose whole second lies between two moments', () => {
    const timeline = new Timeline();
    timeline.samples.push(sample(1000), sample(2000), sample(3000), sample(4000));
    expect(timeline.samplesBetween(1000, 3500).map(({ atMs }) => atMs)).toEqual([2000, 3000]);
  });

  it('tells a gateway that says that it is not ready from one that says nothing', () => {
    const timeline = new Timeline();
    timeline.observations.push(observation(1000), observation(2000, { ready: undefined }));
    expect(timeline.sawNotReady(0, 3000)).toBe(false);
    timeline.observations.push(observation(3000, { ready: false }));
    expect(timeline.sawNotReady(0, 3000)).toBe(true);
    expect(timeline.sawNotReady(0, 2999)).toBe(false);
  });

  it('tells the most memory and the highest pressure of a time, 0 when nobody looked', () => {
    const timeline = new Timeline();
    timeline.observations.push(
      observation(1000, { residentBytes: 5, pressure: 2 }),
      observation(2000, { residentBytes: 9, pressure: undefined }),
    );
    expect(timeline.mostResidentBytes(0, 3000)).toBe(9);
    expect(timeline.highestPressure(0, 3000)).toBe(2);
    expect(timeline.mostResidentBytes(2500, 3000)).toBe(0);
    expect(timeline.highestPressure(2500, 3000)).toBe(0);
  });
});
