import { expect, test } from 'vitest';
import { javaMajorVersion } from '../../deploy/local/java.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_312"', 8],
  ['openjdk version "25-ea" 2025-09-16', 25],
  ['command not understood', undefined],
])('reads the major version in %j', (text, major) => {
  expect(javaMajorVersion(text)).toBe(major);
});
