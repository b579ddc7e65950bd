import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AuditFile } from '../../../../gateway/administration/audit/audit-file.ts';
import { runCommand } from '../../../support/run-command.ts';
import { temporaryFolder } from '../support.ts';

const main = 'gateway/administration/audit/audit-command.ts';

it('verifies a file, finds what was changed in it, and what was cut off since a hash was noted', async () => {
  const path = join(temporaryFolder(), 'audit.jsonl');
  const file = await AuditFile.open(path);
  const about = { requestId: 'r', actor: undefined, remoteAddress: '', target: 'dev-1', outcome: 'attempted' } as const;
  for (const action of ['device.create', 'device.remove']) await file.append({ ...about, action }, false);
  await file.close();
  const sound = await runCommand(main, ['verify', path, '--json']);
  expect(sound).toMatchObject({ code: 0, figures: { records: 3, isSound: true } });
  const head = String(sound.figures?.head);

  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('device.remove', 'device.rename'));
  const changed = await runCommand(main, ['verify', path]);
  expect(changed.code).toBe(1);
  expect(changed.err).toMatch(/line 3: .*2 records before it are sound/);

  writeFileSync(path, `${text.trimEnd().split('\n').slice(0, 2).join('\n')}\n`);
  expect((await runCommand(main, ['verify', path])).code).toBe(0);
  expect((await runCommand(main, ['verify', path, '--head', head])).err).toMatch(/end was cut off/);
  expect((await runCommand(main, ['verify', `${path}.missing`])).code).toBe(2);
});
