import { readFileSync } from 'node:fs';
import { isMeant, type LockedPackage } from './lockfile.ts';

interface Allowed {
  readonly licence: string;
  readonly reason: string;
}

/** What was read, and found fit: a licence is added here by a person who has read it. */
export interface LicenceReview {
  /** For what is shipped. */
  readonly runtime: readonly Allowed[];
  /** Besides, for what only builds and tests. */
  readonly development: readonly Allowed[];
  /** Packages that do not say what they are under; `name` may end with `*`. */
  readonly packages: readonly (Allowed & { readonly name: string })[];
}

export const readLicenceReview = (): LicenceReview =>
  JSON.parse(readFileSync(new URL('licences.json', import.meta.url), 'utf8')) as LicenceReview;

const remedy =
  'read its text; if it may be used, add it with the reason to supply-chain/licences.json, else use another package';

/** What is not allowed, in words, one for each package. */
export function licenceFindings(packages: readonly LockedPackage[], review: LicenceReview): string[] {
  return packages.flatMap((each) => {
    const finding = findingOf(each, review);
    return finding === undefined ? [] : [`${each.name}@${each.version} ${finding}: ${remedy}`];
  });
}

function findingOf({ name, licence, isDevelopment }: LockedPackage, review: LicenceReview): string | undefined {
  const reviewed = review.packages.find((each) => isMeant(name, each.name));
  // What a package says itself goes before what was once found out about it.
  const found = licence ?? reviewed?.licence;
  if (found === undefined) return 'does not say which licence it is under';
  const allowed = new Set(
    [...review.runtime, ...(isDevelopment ? review.development : [])].map((each) => each.licence),
  );
  if (satisfies(found, allowed)) return undefined;
  const where = isDevelopment ? 'even for development' : 'for what is shipped';
  return `is under ${found}, which is not allowed ${where}`;
}

/** An SPDX expression of names, AND and OR (AND binds closer), with brackets around all of it at the most. */
export function satisfies(expression: string, allowed: ReadonlySet<string>): boolean {
  const bare = expression.trim().replace(/^\((.*)\)$/, '$1');
  return bare.split(' OR ').some((choice) => choice.split(' AND ').every((name) => allowed.has(name.trim())));
}
