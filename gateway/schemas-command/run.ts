import { CommandFailure } from '../command/failure.ts';
import { describeConfigError } from '../config/errors.ts';
import { type GatewayConfig, loadConfig } from '../config/load.ts';
import type { Contracts } from '../contract/contract.ts';
import { contractsOf } from '../contracts-of.ts';
import type { RecordSchema } from '../core/codec.ts';
import { type Comparison, compare } from '../schema-registry/compare.ts';
import { obtainSchemas, withReferences } from '../schema-registry/obtain-schemas.ts';
import { openRegistry } from '../schema-registry/open-registry.ts';
import type { SchemaRegistry } from '../schema-registry/registry.ts';
import { figuresOf, renderComparison, renderSummary } from './render.ts';
import { unusedSchemas } from './unused.ts';

export interface SchemasChoice {
  readonly config?: string;
  readonly json?: true;
}

type Print = (line: string) => void;

/**
 * Compares and, if asked to, registers. Every schema is compared before the first one is registered.
 *
 * @throws {CommandFailure | SchemaRegistryError}
 */
export async function runSchemas(action: 'check' | 'register', { config: file, json }: SchemasChoice): Promise<void> {
  const config = readConfig(file);
  const contracts = readContracts(config);
  const schemas = schemasOf(config, contracts);
  const registry = await openRegistry(config.schemaRegistry);
  const { compatibility } = config.schemaRegistry;
  const print: Print = json ? () => {} : console.log;
  print(`registry ${registry.name}, mode ${compatibility}`);
  const comparisons: Comparison[] = [];
  for (const schema of schemas) {
    const comparison = await compare(registry, schema, compatibility);
    comparisons.push(comparison);
    for (const line of renderComparison(comparison)) print(line);
  }
  for (const note of await notesOf(config, registry, comparisons)) print(`note: ${note}`);
  const incompatible = comparisons.filter(({ state }) => state === 'incompatible').length;
  const missing = comparisons.filter(({ state }) => state !== 'registered').length;
  const registers = action === 'register' && incompatible === 0;
  if (registers) await obtainSchemas(registry, schemas, { ...config.schemaRegistry, register: true });
  print(renderSummary(comparisons));
  if (action === 'register') print(registers ? `${missing} registered` : 'nothing was registered');
  console.log(
    JSON.stringify({ action, ...figuresOf(registry.name, compatibility, comparisons, registers ? missing : 0) }),
  );
  if (incompatible > 0) process.exitCode = 1;
}

function readConfig(file: string | undefined): GatewayConfig {
  const result = loadConfig({ file });
  if (result.ok) return result.config;
  throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
}

function readContracts(config: GatewayConfig): Contracts {
  try {
    return contractsOf(config);
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error), 2);
  }
}

/** What the gateway writes, and the .proto files of what devices send; Glue takes no file with imports. */
function schemasOf({ schemaRegistry }: GatewayConfig, { schemas, deviceSchemas }: Contracts): RecordSchema[] {
  return withReferences(schemaRegistry.type === 'glue' ? schemas : [...schemas, ...deviceSchemas]);
}

async function notesOf(
  config: GatewayConfig,
  registry: SchemaRegistry,
  comparisons: readonly Comparison[],
): Promise<string[]> {
  const { compatibility, setCompatibility, type } = config.schemaRegistry;
  const notes = unusedSchemas(config).map((path) => `${path}: no route writes it, so it has no subject`);
  if (type === 'glue') notes.push('.proto files are not held in Glue, which takes none with imports');
  for (const { schema, state } of setCompatibility ? [] : comparisons) {
    if (state === 'first') continue;
    const mode = await registry.mode(schema.subject);
    if (mode === undefined || mode === compatibility) continue;
    notes.push(
      `${schema.subject}: the registry holds it to ${mode}; schemaRegistry.setCompatibility would change that`,
    );
  }
  return notes;
}
