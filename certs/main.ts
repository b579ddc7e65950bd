import { Command } from 'commander';
import { runCommand } from '../gateway/command/run.ts';
import { crlCommand, initCommand, revokeCommand } from './commands/authority.ts';
import { issueCommand } from './commands/issue.ts';
import { listCommand } from './commands/list.ts';
import { ticketSecretCommand } from './commands/ticket-secret.ts';

const program = new Command('certs')
  .description(
    'A certificate authority for development and tests: server and device certificates on P-256, revocation lists. Keys are readable by their owner only.',
  )
  .addHelpText(
    'after',
    `
Example:
  npm run certs -- init
  npm run certs -- issue server gateway.example --dns gateway.example --ip 127.0.0.1
  npm run certs -- issue device dev-1
  npm run certs -- revoke dev-1
  npm run certs -- ticket-secret

Exit codes: 0 done; 1 refused or failed; 2 unusable arguments.`,
  );

await runCommand(program, [initCommand, issueCommand, revokeCommand, listCommand, crlCommand, ticketSecretCommand]);
