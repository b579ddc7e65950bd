import { Command } from 'commander';
import { runCommand } from '../gateway/command/run.ts';
import { listCommand } from './commands/list.ts';
import { replayCommand } from './commands/replay.ts';
import { showCommand } from './commands/show.ts';

const program = new Command('npm run dead-letters --')
  .description('Publishes that the gateway could never take: what they were, why, and once more through the pipeline.')
  .addHelpText('after', '\nExit codes: 0 done; 1 failed; 2 unusable arguments or settings.');

await runCommand(program, [listCommand, showCommand, replayCommand]);
