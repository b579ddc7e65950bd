import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTicketSecret } from '../../gateway/tls/ticket-keys.ts';

const command = resolve(import.meta.dirname, '../../certs/main.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certs-command-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, '--directory', folder], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

describe('npm run certs', { timeout: 60_000 }, () => {
  it('makes an authority, issues, lists, revokes and renews', () => {
    expect(run('init')).toMatchObject({ status: 0, stdout: `${folder}/ca.pem\n${folder}/crl.pem\n` });
    const issued = run('issue', 'device', 'd-1', '--days', '3', '--json');
    expect(issued.status).toBe(0);
    const { serial } = JSON.parse(issued.stdout) as { serial: string };
    expect(run('issue', 'server', 'gw.example', '--dns', 'gw.example', '--ip', '127.0.0.1')).toMatchObject({
      status: 0,
      stdout: `${folder}/server-gw.example.pem\n${folder}/server-gw.example.key\n`,
    });
    expect(run('list').stdout).toMatch(/^KIND .*\ndevice {2}d-1 +valid .*\nserver {2}gw\.example +valid/);
    const revoked = run('revoke', serial);
    expect(revoked).toMatchObject({ status: 0, stdout: `${folder}/crl.pem\n` });
    expect(revoked.stderr).toContain(serial);
    expect(JSON.parse(run('list', '--json').stdout.split('\n')[0] as string)).toMatchObject({ name: 'd-1', serial });
    expect(run('list').stdout).toMatch(/d-1 +revoked/);
    expect(run('crl', '--days', '1')).toMatchObject({ status: 0, stdout: `${folder}/crl.pem\n` });
  });

  it('makes a secret for session tickets without an authority, and overwrites none unasked', () => {
    const path = join(folder, 'tickets.secret');
    expect(run('ticket-secret')).toMatchObject({ status: 0, stdout: `${path}\n` });
    const first = readTicketSecret(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(run('ticket-secret')).toMatchObject({ status: 1, stderr: expect.stringContaining('--replace') });
    expect(readTicketSecret(path).equals(first)).toBe(true);
    expect(run('ticket-secret', '--replace').status).toBe(0);
    expect(readTicketSecret(path).equals(first)).toBe(false);
  });

  it.each([
    ['an unknown option', ['init', '--colour', 'red'], '--colour'],
    ['an unknown kind', ['issue', 'router', 'r'], 'server, device'],
    ['a name that would leave the directory', ['issue', 'device', '../x'], '1 to 128'],
    ['an address that is none', ['issue', 'server', 's', '--ip', '300.1.1.1'], 'IPv4 or IPv6'],
    ['a URI that is none', ['issue', 'device', 'd', '--uri', 'no scheme'], 'absolute URI'],
    ['no days', ['issue', 'device', 'd', '--days', '0'], 'days'],
    ['an argument too many', ['revoke', 'a', 'b'], 'too many'],
  ])('refuses %s and touches nothing', (_what, args, problem) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(problem);
    expect(existsSync(join(folder, 'ca.key'))).toBe(false);
  });

  it('says what to do without an authority, with one that is there, and with an open directory', () => {
    expect(run('issue', 'device', 'd')).toMatchObject({ status: 1, stderr: expect.stringContaining('certs -- init') });
    expect(run('init').status).toBe(0);
    expect(run('init')).toMatchObject({ status: 1, stderr: expect.stringContaining('exists') });
    chmodSync(folder, 0o755);
    expect(run('list')).toMatchObject({ status: 1, stderr: expect.stringContaining(`chmod 700 ${folder}`) });
  });

  it('has help for each of its commands', () => {
    for (const name of ['init', 'issue', 'revoke', 'list', 'crl']) {
      expect(run(name, '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--directory') });
    }
  });
});
