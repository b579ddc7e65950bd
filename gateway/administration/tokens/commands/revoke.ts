import { Command } from 'commander';
import { CommandFailure } from '../../../command/failure.ts';
import { isTokenId } from '../token.ts';
import { type StoreChoice, useStore, withStore } from './common.ts';

/** `admin-tokens revoke ID`: refused from the next request on. */
export const revokeCommand = (): Command =>
  withStore(new Command('revoke'))
    .description('revoke a token; it is refused from the next request on')
    .argument('<id>', 'the 12 characters behind eig_, as list shows them')
    .action(revoke);

async function revoke(id: string, choice: StoreChoice): Promise<void> {
  // Not quoted, and so not checked by the parser of arguments, which quotes: it may be a whole token.
  if (!isTokenId(id)) throw new CommandFailure('needed: 12 characters, digits and a to f, as list shows them', 2);
  const revoked = await useStore(choice, 'refuse', (store) => store.revoke(id, Date.now()));
  if (!revoked) throw new CommandFailure(`there is no token ${id}, or it was revoked before`);
  console.log(`token ${id} revoked`);
}
