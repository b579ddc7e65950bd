import { type Command, InvalidArgumentError } from 'commander';

export interface DirectoryChoice {
  readonly directory: string;
}

export const withDirectory = (command: Command): Command =>
  command
    .option('--directory <path>', 'directory of the authority, for nobody but its owner (mode 700)', '.local/certs')
    .allowExcessArguments(false);

const mostDays = 36_500;

export function parseDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= mostDays) return days;
  throw new InvalidArgumentError(`A whole number of days from 1 to ${mostDays} is needed.`);
}
