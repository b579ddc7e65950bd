import { Command, InvalidArgumentError, Option } from 'commander';
import { type Scope, scopes } from '../../scopes.ts';
import { generateToken } from '../token.ts';
import { type StoreChoice, useStore, withStore } from './common.ts';

interface CreateOptions extends StoreChoice {
  readonly name: string;
  readonly scope: Scope;
  readonly expiresIn: number;
  readonly json?: true;
}

const msPerDay = 86_400_000;
const mostDays = 3650;

/** `admin-tokens create --name ci --scope operate --expires-in 90`. */
export const createCommand = (): Command =>
  withStore(new Command('create'))
    .description('create a token and print it, once')
    .requiredOption('--name <name>', 'who or what has it: 1 to 64 letters, digits or . _ @ -', parseName)
    .addOption(
      new Option('--scope <scope>', 'what it may do; each may also do what those before it may')
        .choices(scopes)
        .makeOptionMandatory(),
    )
    .requiredOption('--expires-in <days>', `days until it ends, 1 to ${mostDays}`, parseDays)
    .option('--json', 'print one line of JSON')
    .action(create);

async function create({ name, scope, expiresIn, json, ...choice }: CreateOptions): Promise<void> {
  const { token, id, hash } = generateToken();
  const createdAtMs = Date.now();
  const expiresAtMs = createdAtMs + expiresIn * msPerDay;
  await useStore(choice, 'make', (store) =>
    store.add({ id, name, scope, hash, createdAtMs, expiresAtMs, revokedAtMs: undefined }),
  );
  const expiresAt = new Date(expiresAtMs).toISOString();
  if (json) {
    console.log(JSON.stringify({ id, name, scope, expiresAt, token }));
    return;
  }
  console.error(`token ${id} (${scope}, until ${expiresAt}; shown this once):`);
  console.log(token);
}

function parseName(text: string): string {
  if (/^[A-Za-z0-9._@-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Needed: 1 to 64 letters, digits or . _ @ -');
}

function parseDays(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= mostDays) return days;
  throw new InvalidArgumentError(`A whole number from 1 to ${mostDays} is needed.`);
}
