import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { Store } from '../store.ts';
import { type DirectoryChoice, withDirectory } from './common.ts';

const secretBytes = 48;
const secretFile = 'tickets.secret';

/** `certs ticket-secret`. */
export const ticketSecretCommand = (): Command =>
  withDirectory(new Command('ticket-secret'))
    .description(
      `make a secret for session tickets, ${secretFile} in the directory, to be given to all gateways of a fleet (ticketSecretFile); needs no authority`,
    )
    .option('--replace', 'overwrite the one that is there: tickets of before count no more')
    .action(({ directory, replace = false }: DirectoryChoice & { readonly replace?: boolean }) => {
      const text = `${randomBytes(secretBytes).toString('base64')}\n`;
      console.log(Store.create(directory).writeKey(secretFile, text, replace));
    });
