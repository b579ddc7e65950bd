import { Command, InvalidArgumentError } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { runCommand } from '../../command/run.ts';
import { textOf } from '../administration-error.ts';
import { type ChainVerdict, readLines, verifyChain } from './verify-chain.ts';

interface VerifyOptions {
  readonly head?: string;
  readonly json?: true;
}

const verifyCommand = (): Command =>
  new Command('verify')
    .description('follow the chain of an audit file; says where it was changed')
    .argument('<file>', 'audit.jsonl in administration.audit.directory, or a copy')
    .option('--head <hash>', 'hash of a record that was noted before, and must still be there', parseHash)
    .option('--json', 'print one line of JSON')
    .allowExcessArguments(false)
    .action(verify);

async function verify(file: string, { head, json }: VerifyOptions): Promise<void> {
  const verdict = await verifyChain(readLines(file), head).catch((error: unknown) => {
    throw new CommandFailure(`cannot read ${file}: ${textOf(error)}`, 2);
  });
  const isSound = verdict.broken === undefined && verdict.holdsExpected;
  if (json) console.log(JSON.stringify({ ...verdict, isSound }));
  else if (isSound) console.log(`${verdict.records} records, the chain is whole; last hash ${verdict.head}`);
  if (!isSound) throw new CommandFailure(problemOf(verdict, file));
}

const problemOf = ({ broken, records }: ChainVerdict, file: string): string =>
  broken === undefined
    ? `${file}: no record has the hash that was noted: the end was cut off, or this is another file`
    : `${file}: line ${broken.line}: ${broken.problem}; ${records} records before it are sound`;

function parseHash(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('64 characters, digits and a to f, are needed.');
}

const program = new Command('audit')
  .description('The audit file of the administration API.')
  .addHelpText('after', '\nExit codes: 0 the chain is whole; 1 it is not; 2 unusable arguments or file.');

await runCommand(program, [verifyCommand]);
