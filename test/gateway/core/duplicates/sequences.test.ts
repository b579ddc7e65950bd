import { describe, expect, it } from 'vitest';
import { delivered, duplicate } from '../../../../gateway/core/outcome.ts';
import { Core } from './support.ts';

const highest = 2 ** 53 - 2;

/** Sends events, each settled before the next. */
function sendAll(core: Core, sequences: readonly number[], bootId = 1): void {
  for (const sequence of sequences) {
    core.send(sequence, { bootId });
    if (core.sink.held.length > 0) core.sink.settle(delivered);
  }
}

describe('the sequence of a device', () => {
  it('in order counts nothing, wherever it begins', () => {
    for (const first of [0, 2 ** 31 - 2, 2 ** 32 - 2, highest - 5]) {
      const core = new Core();
      sendAll(
        core,
        [0, 1, 2, 3, 4, 5].map((i) => first + i),
      );
      expect(core.sequences.counts).toEqual({});
      expect(core.sink.appended).toBe(6);
      for (let i = 0; i < 6; i++) expect(core.send(first + i).answers).toEqual([duplicate]);
    }
  });

  it('with a gap counts what is missing, and what fills the gap as late', () => {
    const core = new Core();
    sendAll(core, [10, 14, 11, 13]);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 3, 'late gap': 2 });
    sendAll(core, [11, 13]);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 3, 'late gap': 2, 'copy settled': 2 });
  });

  it('with a gap longer than the window counts all of it, and what comes from before the window as unknown', () => {
    const core = new Core({ windowSize: 64 });
    sendAll(core, [1, 1001]);
    sendAll(core, [937, 937]);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 999, 'late unknown': 2 });
    expect(core.sink.appended).toBe(4);
    sendAll(core, [938, 938]);
    expect(core.sequences.counts).toEqual({
      ...{ gaps: 1, missing: 999, 'late unknown': 2 },
      ...{ 'late gap': 1, 'copy settled': 1 },
    });
  });

  it('that a broken device lets jump does not drown what others miss', () => {
    const core = new Core();
    sendAll(core, [1, highest]);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 1_000_000 });
  });

  it('before the first event seen is late for reasons that nobody knows', () => {
    const core = new Core();
    sendAll(core, [10, 8, 8]);
    expect(core.sequences.counts).toEqual({ 'late unknown': 1, 'copy settled': 1 });
  });

  it('begins anew with a new boot id, and late events of the boot before are still told apart', () => {
    const core = new Core();
    sendAll(core, [1, 2, 4], 1);
    sendAll(core, [0, 1], 2);
    expect(core.sequences.counts).toEqual({ gaps: 1, missing: 1, resets: 1 });
    sendAll(core, [2, 3, 4], 1);
    expect(core.sequences.counts).toEqual({
      ...{ gaps: 1, missing: 1, resets: 1 },
      ...{ 'copy settled': 2, 'late gap': 1 },
    });
    sendAll(core, [2], 2);
    expect(core.sequences.counts).toMatchObject({ gaps: 1, resets: 1 });
  });

  it('of a boot that was two starts ago is not known any more', () => {
    const core = new Core();
    sendAll(core, [1], 1);
    sendAll(core, [1], 2);
    sendAll(core, [1], 3);
    sendAll(core, [1], 2);
    expect(core.sink.appended).toBe(3);
    sendAll(core, [1], 1);
    expect(core.sink.appended).toBe(4);
    expect(core.sequences.counts).toMatchObject({ resets: 3 });
  });

  it('of an event that settles when its boot was forgotten marks nothing', () => {
    const core = new Core();
    core.send(1, { bootId: 1 });
    sendAll(core, [], 1);
    core.send(1, { bootId: 2 });
    core.send(1, { bootId: 3 });
    while (core.sink.held.length > 0) core.sink.settle(delivered);
    core.send(1, { bootId: 1 });
    expect(core.sink.sequences).toEqual([1]);
  });
});

describe('the devices that are remembered', () => {
  it('are bounded: the one that has been quiet for longest is forgotten', () => {
    const core = new Core({ maxDevices: 2 });
    const send = (deviceId: string) => {
      core.send(1, { deviceId });
      while (core.sink.held.length > 0) core.sink.settle(delivered);
    };
    send('a');
    send('b');
    core.send(2, { deviceId: 'a' });
    core.sink.settle(delivered);
    send('c');
    expect(core.windows.devices).toBe(2);
    const { appended } = core.sink;
    send('a');
    expect(core.sink.appended).toBe(appended);
    send('b');
    expect(core.sink.appended).toBe(appended + 1);
    expect(core.sequences.counts).toMatchObject({ forgotten: 2 });
  });

  it('with unsettled events stay; a further device is then written without being remembered', () => {
    const core = new Core({ maxDevices: 2 });
    for (const deviceId of ['a', 'b', 'c', 'c']) core.send(1, { deviceId });
    expect(core.sink.appended).toBe(4);
    expect(core.sequences.counts).toEqual({ untracked: 2 });
    const copies = ['a', 'b'].map((deviceId) => core.send(1, { deviceId }));
    while (core.sink.held.length > 0) core.sink.settle(delivered);
    for (const copy of copies) expect(copy.answers).toEqual([duplicate]);
    core.send(1, { deviceId: 'c' });
    expect(core.sequences.counts).toMatchObject({ untracked: 2, forgotten: 1 });
    expect(core.windows.devices).toBe(2);
  });
});
