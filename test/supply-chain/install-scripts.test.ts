import { describe, expect, it } from 'vitest';
import { installScriptFindings, readNpmrc, readReviewedScripts } from '../../supply-chain/install-scripts.ts';
import { type LockedPackage, readLockfile } from '../../supply-chain/lockfile.ts';

const good = 'fund=false\nignore-scripts=true\n';
const script = (name: string, isDevelopment = true): LockedPackage => ({
  name,
  version: '1.0.0',
  isDevelopment,
  licence: 'MIT',
  hasInstallScript: true,
});

describe('the check of install scripts', () => {
  it('finds none in this project that was not looked at, none in what is shipped, and that npm runs none', () => {
    expect(installScriptFindings(readLockfile(), readReviewedScripts(), readNpmrc())).toEqual([]);
  });

  it('says which package brings one that nobody has looked at', () => {
    expect(installScriptFindings([script('new-package')], [], good)).toEqual([
      expect.stringMatching(/^new-package@1\.0\.0 has an install script that nobody has looked at/),
    ]);
  });

  it('refuses one in what is shipped, looked at or not', () => {
    const reviewed = [{ name: 'native', reason: 'r' }];
    expect(installScriptFindings([script('native', false)], reviewed, good)).toEqual([
      expect.stringContaining('is shipped'),
    ]);
  });

  it('forgets packages that have none any more', () => {
    expect(installScriptFindings([], [{ name: 'gone', reason: 'r' }], good)).toEqual([expect.stringContaining('gone')]);
  });

  it.each(['', 'ignore-scripts=false', '# ignore-scripts=true'])('refuses an .npmrc of "%s"', (npmrc) => {
    expect(installScriptFindings([], [], npmrc)).toEqual([expect.stringContaining('ignore-scripts=true')]);
  });
});
