import { describe, expect, it } from 'vitest';
import type { AclCluster, ActualAcl } from '../../../topics/acls/cluster.ts';
import type { NeededAcl } from '../../../topics/acls/needed.ts';
import type { AclsOptions } from '../../../topics/acls/options.ts';
import { runAcls } from '../../../topics/acls/run.ts';
import { parseTopicsOptions } from '../../../topics/options.ts';

/** Rules as a cluster keeps them. */
class ModelledAcls implements AclCluster {
  readonly rules: ActualAcl[] = [];
  failure: Error | undefined;

  wantsIdempotentWrite(): Promise<boolean> {
    return Promise.resolve(false);
  }

  read(): Promise<ActualAcl[]> {
    return this.failure === undefined ? Promise.resolve([...this.rules]) : Promise.reject(this.failure);
  }

  allow(principal: string, acls: readonly NeededAcl[]): Promise<void> {
    for (const { resource, name, operation } of acls) {
      this.rules.push({ resource, name, operation, principal, pattern: 'literal', host: '*', allows: true });
    }
    return Promise.resolve();
  }
}

function parse(...args: string[]): AclsOptions {
  const exit = (code: number): never => {
    throw new Error(`exit ${code}`);
  };
  const options = parseTopicsOptions(['acls', ...args], { exit, writeErr: () => undefined });
  if (options.action !== 'acls') throw new Error('another command');
  return options;
}

async function run(cluster: AclCluster, ...args: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  const print = { out: (line: string) => lines.push(line), err: (line: string) => errors.push(line) };
  const code = await runAcls(parse(...args), cluster, print);
  return { code, lines, errors, figures: lines.length === 0 ? {} : (JSON.parse(lines.at(-1) ?? '') as object) };
}

const principal = ['--principal', 'User:gateway'];

describe('topics acls', () => {
  it('shows what is missing and grants nothing without --apply', async () => {
    const cluster = new ModelledAcls();
    const { code, lines, figures } = await run(cluster, ...principal);
    expect(code).toBe(3);
    expect(lines.some((line) => /^ {2}\+ Write +topic veh\.events\.raw /.test(line))).toBe(true);
    expect(figures).toMatchObject({ action: 'acls', principal: 'User:gateway', applied: 0 });
    expect(cluster.rules).toEqual([]);
  });

  it('grants what is missing, once', async () => {
    const cluster = new ModelledAcls();
    expect(await run(cluster, ...principal, '--apply')).toMatchObject({ code: 0, figures: { left: 0 } });
    const granted = cluster.rules.length;
    expect(granted).toBeGreaterThan(3);
    expect(await run(cluster, ...principal, '--apply')).toMatchObject({ code: 0, figures: { missing: 0, applied: 0 } });
    expect(await run(cluster, ...principal)).toMatchObject({ code: 0 });
    expect(cluster.rules).toHaveLength(granted);
  });

  it('says that a rule that forbids must be removed by hand', async () => {
    const cluster = new ModelledAcls();
    await run(cluster, ...principal, '--apply');
    cluster.rules.push({ ...(cluster.rules[0] as ActualAcl), allows: false });
    const { code, errors } = await run(cluster, ...principal, '--apply');
    expect(code).toBe(3);
    expect(errors.join()).toContain('forbidden by a rule');
  });

  it('wants to know whom it is about', async () => {
    expect(await run(new ModelledAcls())).toMatchObject({ code: 2, errors: [expect.stringContaining('--principal')] });
    expect(() => parse('--principal', 'gateway')).toThrow('exit 2');
    expect(() => parse(...principal, '--for', 'replay', '--topic', 'a')).toThrow('exit 2');
  });

  it('ends with 1 when the cluster cannot be asked', async () => {
    const cluster = new ModelledAcls();
    cluster.failure = new Error('no authorizer');
    expect(await run(cluster, ...principal)).toMatchObject({ code: 1, errors: ['topics: no authorizer'] });
  });
});
