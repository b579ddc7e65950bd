import { resolve } from 'node:path';
import { Command } from 'commander';
import { installScriptFindings, readNpmrc, readReviewedScripts } from './install-scripts.ts';
import { licenceFindings, readLicenceReview } from './licences.ts';
import { readLockfile, root } from './lockfile.ts';
import { makeSbom, writeSbom } from './sbom.ts';

const program = new Command('supply-chain')
  .description('What this project is made of that others have written: bill of materials, licences, install scripts.')
  .addHelpText('after', '\nExit codes: 0 good; 1 something is not allowed, or failed; 2 unusable arguments.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const exit = (error: { exitCode: number }): never => process.exit(error.exitCode === 0 ? 0 : 2);

program
  .command('sbom')
  .description('Write the bill of materials of what is shipped, as CycloneDX (JSON).')
  .option('--out <file>', 'file to write', 'reports/sbom.cdx.json')
  .allowExcessArguments(false)
  .exitOverride(exit)
  .action(async ({ out }: { out: string }) => {
    const sbom = await makeSbom();
    await writeSbom(resolve(root, out), sbom);
    process.stdout.write(`${out}: ${sbom.components.length} packages, CycloneDX ${sbom.specVersion}\n`);
  });

program
  .command('licenses')
  .description('Hold the licence of every package of the lockfile against the reviewed list.')
  .allowExcessArguments(false)
  .exitOverride(exit)
  .action(() => report('licences', licenceFindings(readLockfile(), readLicenceReview())));

program
  .command('install-scripts')
  .description('Hold every install script of the lockfile against the reviewed list; npm must run none of them.')
  .allowExcessArguments(false)
  .exitOverride(exit)
  .action(() => report('install scripts', installScriptFindings(readLockfile(), readReviewedScripts(), readNpmrc())));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`supply-chain: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function report(what: string, findings: readonly string[]): void {
  for (const finding of findings) process.stderr.write(`${finding}\n`);
  if (findings.length > 0) process.exitCode = 1;
  else process.stdout.write(`${what}: ${readLockfile().length} packages, all as reviewed\n`);
}
