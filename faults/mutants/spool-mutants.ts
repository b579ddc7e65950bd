import type { Mutant } from './mutant.ts';

/** Mistakes of the way over the disk. */
export const spoolMutants: readonly Mutant[] = [
  {
    name: 'early-spooled',
    what: 'answers a publish as spooled when its record is in an open batch, before it is on the disk',
    edits: [
      {
        file: 'gateway/spool/spool.ts',
        find: 'const bytes = this.#intake.append(topic, key, timestampMs, encoder, event, settleable);',
        replace: `const nobody = { settleRecord: () => {} };
    const bytes = this.#intake.append(topic, key, timestampMs, encoder, event, nobody);
    if (bytes >= 0) setImmediate(() => settleable.settleRecord(spooled));`,
      },
    ],
    scenario: 'spool-always-kill',
    expects: 'lost',
    // Something must be in an open batch at the moment of the kill.
    settings: { spool: { lingerMs: 200 } },
  },
  {
    name: 'forgetful-cursor',
    what: 'never notes how far the spool has been replayed: after each kill everything in it is replayed again',
    edits: [
      {
        file: 'gateway/spool/settled-cursor.ts',
        find: `await this.#file.write(frame);
    this.written = frame;`,
        replace: '',
      },
    ],
    scenario: 'spool-always-kill',
    expects: 'duplicated',
  },
];
