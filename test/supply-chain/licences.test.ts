import { describe, expect, it } from 'vitest';
import { type LicenceReview, licenceFindings, readLicenceReview, satisfies } from '../../supply-chain/licences.ts';
import { type LockedPackage, readLockfile } from '../../supply-chain/lockfile.ts';

const review: LicenceReview = {
  runtime: [{ licence: 'MIT', reason: 'r' }],
  development: [{ licence: 'MPL-2.0', reason: 'r' }],
  packages: [{ name: '@tool/cli-*', licence: 'MIT', reason: 'r' }],
};
const made = (fields: Partial<LockedPackage>): LockedPackage => ({
  name: 'p',
  version: '1.0.0',
  isDevelopment: false,
  licence: 'MIT',
  hasInstallScript: false,
  ...fields,
});
const findings = (fields: Partial<LockedPackage>) => licenceFindings([made(fields)], review);

describe('the check of licences', () => {
  it('finds every package of this project under a licence that was reviewed', () => {
    const packages = readLockfile();
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.some(({ isDevelopment }) => !isDevelopment)).toBe(true);
    expect(licenceFindings(packages, readLicenceReview())).toEqual([]);
  });

  it('gives a reason for each licence and each exception', () => {
    const { runtime, development, packages } = readLicenceReview();
    for (const { reason } of [...runtime, ...development, ...packages]) expect(reason.length).toBeGreaterThan(5);
  });

  it('says which package is under what, and what to do, when nobody has allowed it', () => {
    const [finding] = findings({ name: 'left-pad', licence: 'GPL-3.0-only' });
    expect(finding).toContain('left-pad@1.0.0 is under GPL-3.0-only, which is not allowed for what is shipped');
    expect(finding).toContain('supply-chain/licences.json');
  });

  it('allows for development what it does not allow for what is shipped', () => {
    expect(findings({ licence: 'MPL-2.0', isDevelopment: true })).toEqual([]);
    expect(findings({ licence: 'MPL-2.0' })).toHaveLength(1);
  });

  it('refuses a package that says nothing, unless somebody has looked', () => {
    expect(findings({ licence: undefined })).toEqual([expect.stringContaining('does not say')]);
    expect(findings({ name: '@tool/cli-linux', licence: undefined })).toEqual([]);
    // It says something else by now: what was found out before is not true any more.
    expect(findings({ name: '@tool/cli-linux', licence: 'SSPL-1.0' })).toHaveLength(1);
  });

  it.each([
    ['MIT', true],
    ['GPL-2.0', false],
    ['MIT OR GPL-2.0', true],
    ['(MIT AND Zlib)', false],
    ['(GPL-2.0 OR MIT)', true],
    ['MIT AND GPL-2.0 OR AGPL-3.0', false],
  ])('reads %s', (expression, good) => {
    expect(satisfies(expression, new Set(['MIT']))).toBe(good);
  });
});
