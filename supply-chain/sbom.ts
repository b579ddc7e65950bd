import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { readLockfile, root } from './lockfile.ts';

const mostBytes = 64 * 2 ** 20;

/** As much of a software bill of materials (CycloneDX) as is looked at here. */
export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
}

/** What is shipped, by the lockfile: the same on every machine, whatever is installed on it. */
export async function makeSbom(): Promise<Sbom> {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: mostBytes });
  const sbom = JSON.parse(stdout) as Sbom;
  if (sbom.bomFormat !== 'CycloneDX' || sbom.components.length === 0) {
    throw new Error('npm sbom gave no bill of materials: its version 10 or later is needed');
  }
  return shippedOf(sbom);
}

/** Not by npm's own `--omit=dev`, which also leaves out what is shipped and serves development besides (npm 11.19). */
function shippedOf(sbom: Sbom): Sbom {
  const shipped = new Set(
    readLockfile().flatMap(({ name, version, isDevelopment }) => (isDevelopment ? [] : [`${name}@${version}`])),
  );
  const components = sbom.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
  const refs = new Set(components.map((component) => component['bom-ref']));
  const others = new Set(sbom.components.map((component) => component['bom-ref']).filter((ref) => !refs.has(ref)));
  const dependencies = sbom.dependencies
    .filter(({ ref }) => !others.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => !others.has(each)) }));
  return { ...sbom, components, dependencies };
}

export async function writeSbom(file: string, sbom: Sbom): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(sbom, null, 2)}\n`);
}
