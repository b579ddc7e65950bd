import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** A package of the lockfile, as far as it is looked at here. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Only for building and testing: not in the image. */
  readonly isDevelopment: boolean;
  /** As SPDX writes it; undefined where neither the lockfile nor an installed copy says. */
  readonly licence: string | undefined;
  readonly hasInstallScript: boolean;
}

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
}

const modules = 'node_modules/';

/** Every package that the lockfile (version 3) names, on whatever platform it would be installed. */
export function readLockfile(folder: string = root): readonly LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Entry>>;
  };
  return Object.entries(packages).flatMap(([path, entry]) => {
    // The first one is this project itself.
    if (path === '') return [];
    return [
      {
        name: path.slice(path.lastIndexOf(modules) + modules.length),
        version: entry.version ?? '',
        isDevelopment: entry.dev === true || entry.devOptional === true,
        licence: entry.license,
        hasInstallScript: entry.hasInstallScript === true,
      },
    ];
  });
}

/** Whether a name is meant by one that may end with `*`. */
export const isMeant = (name: string, pattern: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
