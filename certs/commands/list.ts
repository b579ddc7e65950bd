import { Command } from 'commander';
import { DevelopmentAuthority } from '../authority.ts';
import type { IssuedCertificate } from '../store.ts';
import { type DirectoryChoice, withDirectory } from './common.ts';

/** `certs list`. */
export const listCommand = (): Command =>
  withDirectory(new Command('list'))
    .description('show what was issued')
    .option('--json', 'print one line of JSON for each')
    .action(({ directory, json }: DirectoryChoice & { readonly json?: true }) => {
      const issued = DevelopmentAuthority.open(directory).list();
      if (json) for (const each of issued) console.log(JSON.stringify(each));
      else console.log(table(issued));
    });

function table(issued: readonly IssuedCertificate[]): string {
  const now = new Date().toISOString();
  const rows = [
    ['KIND', 'NAME', 'STATE', 'UNTIL', 'SERIAL'],
    ...issued.map((each) => [each.kind, each.name, stateOf(each, now), each.notAfter.slice(0, 10), each.serial]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function stateOf({ revokedAt, notAfter }: IssuedCertificate, now: string): string {
  if (revokedAt !== null) return 'revoked';
  return notAfter < now ? 'expired' : 'valid';
}
