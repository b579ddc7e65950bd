import { expect, test } from 'vitest';
import { environmentFrom } from '../../deploy/local/environment.ts';

test('keeps fetched servers in the XDG cache directory', () => {
  expect(environmentFrom({ XDG_CACHE_HOME: '/var/cache/me' }, '/home/me').cacheDir).toBe(
    '/var/cache/me/edge-ingest-gateway',
  );
});

test.each([[{}], [{ XDG_CACHE_HOME: '' }], [{ XDG_CACHE_HOME: 'relative' }]])(
  'keeps them under the home directory when the variables are %j',
  (variables) => {
    expect(environmentFrom(variables, '/home/me').cacheDir).toBe('/home/me/.cache/edge-ingest-gateway');
  },
);

test('takes an empty JAVA_HOME for none', () => {
  expect(environmentFrom({ JAVA_HOME: '' }, '/home/me').javaHome).toBeUndefined();
  expect(environmentFrom({ JAVA_HOME: '/opt/java' }, '/home/me').javaHome).toBe('/opt/java');
});
