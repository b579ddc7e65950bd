import { Command } from 'commander';
import { DevelopmentAuthority, defaultCrlDays } from '../authority.ts';
import { type DirectoryChoice, parseDays, withDirectory } from './common.ts';

interface InitOptions extends DirectoryChoice {
  readonly name: string;
  readonly days: number;
}

/** `certs init`. */
export const initCommand = (): Command =>
  withDirectory(new Command('init'))
    .description('make an authority: ca.pem, its key, and an empty revocation list; refuses a directory that has one')
    .option('--name <name>', 'its common name', 'Development authority')
    .option('--days <n>', 'how long it is valid', parseDays, 3650)
    .action(async ({ directory, name, days }: InitOptions) => {
      const authority = await DevelopmentAuthority.create(directory, { name, days });
      console.log(authority.certFile);
      console.log(authority.crlPath);
    });

/** `certs revoke SERIAL_OR_NAME`. */
export const revokeCommand = (): Command =>
  withDirectory(new Command('revoke'))
    .description('revoke a certificate by its serial number, or all of a name, and write crl.pem anew')
    .argument('<serial-or-name>')
    .action(async (serialOrName: string, { directory }: DirectoryChoice) => {
      const authority = DevelopmentAuthority.open(directory);
      const revoked = await authority.revoke(serialOrName);
      if (revoked.length === 0) console.error(`${serialOrName} was revoked before`);
      for (const { kind, name, serial } of revoked) console.error(`revoked: ${kind} ${name}, serial number ${serial}`);
      console.log(authority.crlPath);
    });

/** `certs crl`. */
export const crlCommand = (): Command =>
  withDirectory(new Command('crl'))
    .description('write crl.pem anew, before the one that is there ends: an ended list refuses every device')
    .option('--days <n>', 'how long it is good for', parseDays, defaultCrlDays)
    .action(async ({ directory, days }: DirectoryChoice & { readonly days: number }) => {
      console.log(await DevelopmentAuthority.open(directory).writeCrl(days));
    });
