import {
  type Compatibility,
  CreateSchemaCommand,
  GetSchemaByDefinitionCommand,
  GetSchemaCommand,
  type GetSchemaResponse,
  GetSchemaVersionCommand,
  type GetSchemaVersionResponse,
  GlueClient,
  paginateListSchemaVersions,
  RegisterSchemaVersionCommand,
  type SchemaVersionStatus,
  UpdateSchemaCommand,
} from '@aws-sdk/client-glue';
import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import type { CompatibilityMode } from './compatibility.ts';
import { asRegistryError } from './glue-errors.ts';
import type { SchemaRegistry, SchemaVersion } from './registry.ts';
import { SchemaRegistryError } from './registry-error.ts';

export interface GlueOptions {
  readonly region: string;
  readonly registryName: string;
  /** Instead of the region's own; empty: that one. */
  readonly endpoint: string;
  /** Per request. */
  readonly timeoutMs: number;
}

/** Glue says ALL where Confluent says TRANSITIVE. DISABLED, which freezes a schema, has no like here. */
const glueModes: Readonly<Record<CompatibilityMode, Compatibility>> = {
  BACKWARD: 'BACKWARD',
  BACKWARD_TRANSITIVE: 'BACKWARD_ALL',
  FORWARD: 'FORWARD',
  FORWARD_TRANSITIVE: 'FORWARD_ALL',
  FULL: 'FULL',
  FULL_TRANSITIVE: 'FULL_ALL',
  NONE: 'NONE',
};

const pollEveryMs = 200;
const sdkAttempts = 1;

/**
 * AWS Glue Schema Registry. A subject is the name of a schema in one registry, which must exist. Credentials come from
 * AWS's default chain. Glue checks compatibility only while it registers a version, and does not say what is wrong: what
 * is found here beforehand is all there is.
 */
export class GlueRegistry implements SchemaRegistry {
  readonly name: string;
  readonly #registryName: string;
  readonly #timeoutMs: number;
  readonly #client: GlueClient;

  constructor({ region, registryName, endpoint, timeoutMs }: GlueOptions) {
    this.name = `glue:${region}:${registryName}${endpoint === '' ? '' : `@${endpoint}`}`;
    this.#registryName = registryName;
    this.#timeoutMs = timeoutMs;
    this.#client = new GlueClient({ region, maxAttempts: sdkAttempts, ...(endpoint === '' ? {} : { endpoint }) });
  }

  async lookUp({ subject, definition }: RecordSchema): Promise<RegisteredSchema | undefined> {
    const command = new GetSchemaByDefinitionCommand({ SchemaId: this.#id(subject), SchemaDefinition: definition });
    const found = await this.#try(`looking up "${subject}"`, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    if (found === undefined) return undefined;
    const status = await this.#checked(subject, found.SchemaVersionId, found.Status);
    // Glue keeps versions that it has refused, and finds them by their definition all the same.
    if (status === 'FAILURE' || status === 'DELETING') return undefined;
    return registered(found.SchemaArn, found.SchemaVersionId);
  }

  async register(schema: RecordSchema, mode: CompatibilityMode): Promise<RegisteredSchema> {
    const { subject, definition } = schema;
    const known = await this.#schema(subject);
    if (known === undefined) return this.#create(schema, mode);
    const command = new RegisterSchemaVersionCommand({ SchemaId: this.#id(subject), SchemaDefinition: definition });
    const what = `registering a version of "${subject}"`;
    const version = await this.#must(what, (abortSignal) => this.#client.send(command, { abortSignal }));
    await this.#untilAvailable(subject, version.SchemaVersionId, version.Status);
    return registered(known.SchemaArn, version.SchemaVersionId);
  }

  async #create({ subject, type, definition }: RecordSchema, mode: CompatibilityMode): Promise<RegisteredSchema> {
    const command = new CreateSchemaCommand({
      RegistryId: { RegistryName: this.#registryName },
      SchemaName: subject,
      DataFormat: type,
      Compatibility: glueModes[mode],
      SchemaDefinition: definition,
    });
    const what = `creating the schema "${subject}" in the registry "${this.#registryName}"`;
    const created = await this.#must(what, (abortSignal) => this.#client.send(command, { abortSignal }));
    await this.#untilAvailable(subject, created.SchemaVersionId, created.SchemaVersionStatus);
    return registered(created.SchemaArn, created.SchemaVersionId);
  }

  async versions(subject: string, which: 'latest' | 'all'): Promise<readonly SchemaVersion[]> {
    if (which === 'latest') {
      const latest = await this.#version(subject, { LatestVersion: true });
      return latest === undefined ? [] : [latest];
    }
    const what = `listing the versions of "${subject}"`;
    const numbers = await this.#try(what, async (abortSignal) => {
      const all: number[] = [];
      for await (const page of paginateListSchemaVersions({ client: this.#client }, { SchemaId: this.#id(subject) })) {
        abortSignal.throwIfAborted();
        const available = (page.Schemas ?? []).filter(({ Status }) => Status === 'AVAILABLE');
        all.push(...available.map(({ VersionNumber = 0 }) => VersionNumber));
      }
      return all.sort((a, b) => a - b);
    });
    const versions: SchemaVersion[] = [];
    for (const VersionNumber of numbers ?? []) {
      const version = await this.#version(subject, { VersionNumber });
      if (version !== undefined) versions.push(version);
    }
    return versions;
  }

  async #version(
    subject: string,
    SchemaVersionNumber: { LatestVersion: true } | { VersionNumber: number },
  ): Promise<SchemaVersion | undefined> {
    const command = new GetSchemaVersionCommand({ SchemaId: this.#id(subject), SchemaVersionNumber });
    const what = `reading a version of "${subject}"`;
    const found = await this.#try(what, (abortSignal) => this.#client.send(command, { abortSignal }));
    return found && versionOf(found);
  }

  /** Glue has no such question; see the class. */
  objections(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async mode(subject: string): Promise<CompatibilityMode | undefined> {
    const schema = await this.#schema(subject);
    const found = Object.entries(glueModes).find(([, glueMode]) => glueMode === schema?.Compatibility);
    return found?.[0] as CompatibilityMode | undefined;
  }

  async setMode(subject: string, mode: CompatibilityMode): Promise<void> {
    const command = new UpdateSchemaCommand({
      SchemaId: this.#id(subject),
      SchemaVersionNumber: { LatestVersion: true },
      Compatibility: glueModes[mode],
    });
    const what = `setting the compatibility of "${subject}"`;
    await this.#must(what, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  #schema(subject: string): Promise<GetSchemaResponse | undefined> {
    const command = new GetSchemaCommand({ SchemaId: this.#id(subject) });
    return this.#try(`reading the schema "${subject}"`, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async #untilAvailable(
    subject: string,
    id: string | undefined,
    status: SchemaVersionStatus | undefined,
  ): Promise<void> {
    if ((await this.#checked(subject, id, status)) !== 'FAILURE') return;
    const problem = `"${subject}": Glue refuses the version: it does not keep the compatibility mode of its schema`;
    throw new SchemaRegistryError('schema_incompatible', problem);
  }

  /** Glue answers before it has checked a version. Returns the status when it has. */
  async #checked(
    subject: string,
    id: string | undefined,
    status: SchemaVersionStatus | undefined,
  ): Promise<SchemaVersionStatus | undefined> {
    const giveUpAt = performance.now() + this.#timeoutMs;
    let known = status;
    while (known === 'PENDING' && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
      const command = new GetSchemaVersionCommand({ SchemaVersionId: id });
      const what = `waiting for a version of "${subject}"`;
      known = (await this.#must(what, (abortSignal) => this.#client.send(command, { abortSignal }))).Status;
    }
    if (known === 'PENDING') {
      throw new SchemaRegistryError('registry_unavailable', `"${subject}": Glue has not checked the version yet`);
    }
    return known;
  }

  #id(subject: string): { RegistryName: string; SchemaName: string } {
    return { RegistryName: this.#registryName, SchemaName: subject };
  }

  async #must<Answer>(what: string, ask: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    try {
      return await ask(AbortSignal.timeout(this.#timeoutMs));
    } catch (error) {
      throw asRegistryError(error, `${this.name}: ${what}`, this.#timeoutMs);
    }
  }

  /** Undefined for what is not there. */
  async #try<Answer>(what: string, ask: (signal: AbortSignal) => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await this.#must(what, ask);
    } catch (error) {
      if (error instanceof SchemaRegistryError && error.code === 'schema_not_found') return undefined;
      throw error;
    }
  }
}

function registered(arn: string | undefined, id: string | undefined): RegisteredSchema {
  if (arn === undefined || id === undefined || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw new SchemaRegistryError('unexpected_response', "Glue's answer has no ARN or no version id");
  }
  // A version has no ARN of its own.
  return { registry: 'glue', id, uri: `${arn}#${id}` };
}

function versionOf({ VersionNumber, SchemaDefinition, DataFormat }: GetSchemaVersionResponse): SchemaVersion {
  if (VersionNumber === undefined || SchemaDefinition === undefined) {
    throw new SchemaRegistryError('unexpected_response', "Glue's answer has no version or no definition");
  }
  const type = DataFormat === 'PROTOBUF' ? 'PROTOBUF' : 'AVRO';
  return { version: VersionNumber, type, definition: SchemaDefinition };
}
