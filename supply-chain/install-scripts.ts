import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMeant, type LockedPackage, root } from './lockfile.ts';

/** A package whose install script was read, and is not needed; `name` may end with `*`. */
export interface ReviewedScript {
  readonly name: string;
  readonly reason: string;
}

export const readReviewedScripts = (): readonly ReviewedScript[] =>
  JSON.parse(readFileSync(new URL('install-scripts.json', import.meta.url), 'utf8')) as readonly ReviewedScript[];

export const readNpmrc = (): string => readFileSync(join(root, '.npmrc'), 'utf8');

/**
 * What is wrong about code that would run at an installation: none does, and whatever wants to was looked at.
 *
 * @param npmrc text of the settings of npm.
 */
export function installScriptFindings(
  packages: readonly LockedPackage[],
  reviewed: readonly ReviewedScript[],
  npmrc: string,
): string[] {
  const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript);
  const unknown = scripts
    .filter(({ name }) => !reviewed.some((each) => isMeant(name, each.name)))
    .map(
      ({ name, version }) =>
        `${name}@${version} has an install script that nobody has looked at: read it; if the package works without, add it with the reason to supply-chain/install-scripts.json`,
    );
  const gone = reviewed
    .filter((each) => !scripts.some(({ name }) => isMeant(name, each.name)))
    .map(({ name }) => `${name} has no install script any more: take it out of supply-chain/install-scripts.json`);
  const shipped = scripts
    .filter(({ isDevelopment }) => !isDevelopment)
    .map(({ name, version }) => `${name}@${version} is shipped and has an install script: use a package without one`);
  const isIgnoring = npmrc.split('\n').some((line) => line.trim() === 'ignore-scripts=true');
  const setting = isIgnoring ? [] : ['.npmrc must say ignore-scripts=true: otherwise every package may run code here'];
  return [...unknown, ...gone, ...shipped, ...setting];
}
