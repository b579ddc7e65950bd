import { Command, Option } from 'commander';
import { addresses } from '../command-line/addresses.ts';
import type { Check } from './check.ts';
import { OpenSsl, type ScanTarget } from './openssl.ts';
import { protocolName } from './protocols.ts';
import { scanTls, scanWithoutOpenSsl } from './scan.ts';

const exitCodes = { good: 0, bad: 1, failed: 2, notRun: 3 } as const;

interface Options {
  readonly address: readonly string[];
  readonly serverName?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn: string;
  readonly openssl: string;
}

const program = new Command('tls-scan')
  .description(
    'Looks at a TLS listener from outside, with the openssl program of this machine: versions, every suite by itself, compression, renegotiation, ALPN. The last line of output is JSON.',
  )
  .requiredOption('--address <host:port>', 'the listener', addresses)
  .option('--server-name <name>', 'name to ask for (SNI)')
  .option('--cert <file>', 'certificate to show, where the listener asks for one')
  .option('--key <file>', 'its private key')
  .addOption(
    new Option(
      '--alpn <protocol>',
      'the protocol that it is to agree on, and no other: mqtt; http/1.1 of listeners of WebSockets and of administration; none of a server that passes over what is offered',
    )
      .argParser(protocolName)
      .default('mqtt'),
  )
  .option('--openssl <program>', 'the program', 'openssl')
  .addHelpText(
    'after',
    '\nA listener that expects the PROXY protocol is scanned through its load balancer.\n\nExit codes: 0 good; 1 something is bad; 2 the listener could not be reached or the arguments are wrong; 3 some of it was not run.',
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.good : exitCodes.failed))
  .parse();

try {
  process.exitCode = await main(program.opts<Options>());
} catch (error) {
  process.stderr.write(`tls-scan: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodes.failed;
}

async function main({ address, serverName, cert, key, alpn, openssl }: Options): Promise<number> {
  const [only = '', ...more] = address;
  if (more.length > 0) throw new Error('one address at a time');
  const colon = only.lastIndexOf(':');
  const host = only.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const target: ScanTarget = { host, port: Number(only.slice(colon + 1)), serverName, certFile: cert, keyFile: key };
  const client = new OpenSsl(openssl);
  const found = await client.version();
  process.stdout.write(`${only}, by ${found ?? 'a ClientHello of our own alone'}\n\n`);
  const checks = await (found === undefined
    ? scanWithoutOpenSsl(target)
    : scanTls(target, client, alpn === 'none' ? undefined : alpn));
  for (const { what, result, seen } of checks) process.stdout.write(`${result.padEnd(9)}${what}: ${seen}\n`);
  return conclude(checks);
}

function conclude(checks: readonly Check[]): number {
  const of = (result: Check['result']): readonly Check[] => checks.filter((each) => each.result === result);
  const notRun = of('not run');
  if (notRun.length > 0) {
    process.stderr.write(`NOT RUN: ${notRun.map(({ what }) => what).join('; ')}. Nothing is known about it.\n`);
  }
  const figures = { good: of('good').length, bad: of('bad').length, notRun: notRun.length };
  process.stdout.write(`\n${JSON.stringify(figures)}\n`);
  if (figures.bad > 0) return exitCodes.bad;
  return notRun.length > 0 ? exitCodes.notRun : exitCodes.good;
}
