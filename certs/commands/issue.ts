import { isIP } from 'node:net';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { isUsableId, usableIdRule } from '../../gateway/identity/device.ts';
import { DevelopmentAuthority } from '../authority.ts';
import { type DirectoryChoice, parseDays, withDirectory } from './common.ts';

interface IssueOptions extends DirectoryChoice {
  readonly days: number;
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly uri: readonly string[];
  readonly replace?: true;
  readonly json?: true;
}

/** `certs issue server|device NAME`. */
export const issueCommand = (): Command =>
  withDirectory(new Command('issue'))
    .description('issue a certificate with a new key: KIND-NAME.pem and KIND-NAME.key in the directory')
    .addArgument(new Argument('<kind>', 'for the listener of a gateway, or for a device').choices(['server', 'device']))
    .argument('<name>', "common name; a device's id, a server's name or address", parseName)
    .option('--dns <name>', 'DNS name; may be repeated (default for a server: its name)', dnsName, [])
    .option('--ip <address>', 'IP address; may be repeated', ipAddress, [])
    .option('--uri <uri>', 'URI; may be repeated (default for a device: urn:device:NAME)', uri, [])
    .option('--days <n>', 'how long it is valid', parseDays, 365)
    .option('--replace', 'overwrite the files of an earlier one, which stays valid until it is revoked')
    .option('--json', 'print one line of JSON')
    .action(issue);

async function issue(kind: 'server' | 'device', name: string, options: IssueOptions): Promise<void> {
  const { directory, days, dns, ip, uri, replace = false, json } = options;
  const authority = DevelopmentAuthority.open(directory);
  const issued = await authority.issue({ kind, name, days, names: { dns, ip, uri }, replace });
  if (json) {
    console.log(JSON.stringify(issued));
    return;
  }
  console.error(`serial number ${issued.serial}, valid until ${issued.notAfter}`);
  console.log(issued.certFile);
  console.log(issued.keyFile);
}

function parseName(text: string): string {
  if (isUsableId(text)) return text;
  throw new InvalidArgumentError(`Needed: ${usableIdRule}.`);
}

function dnsName(text: string, before: readonly string[]): readonly string[] {
  if (/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('A DNS name is needed.');
}

function ipAddress(text: string, before: readonly string[]): readonly string[] {
  if (isIP(text) !== 0) return [...before, text];
  throw new InvalidArgumentError('An IPv4 or IPv6 address is needed.');
}

function uri(text: string, before: readonly string[]): readonly string[] {
  if (/^[a-z][a-z0-9+.-]*:[!-~]{1,500}$/i.test(text)) return [...before, text];
  throw new InvalidArgumentError('An absolute URI is needed, such as urn:device:dev-1.');
}
