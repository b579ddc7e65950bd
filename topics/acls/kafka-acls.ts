import {
  AclOperations,
  type AclOperationValue,
  AclPermissionTypes,
  type AclTarget,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { adminOptions } from '../admin-options.ts';
import type { ClusterConnection } from '../connection.ts';
import type { AclCluster, ActualAcl } from './cluster.ts';
import type { NeededAcl, Operation } from './needed.ts';

/** DescribeCluster, which came with Kafka 2.8 (KIP-700), as did producer ids for everybody who may write. */
const apiSince28 = 60;

const operationValues = {
  Read: AclOperations.READ,
  Write: AclOperations.WRITE,
  Create: AclOperations.CREATE,
  Describe: AclOperations.DESCRIBE,
  DescribeConfigs: AclOperations.DESCRIBE_CONFIGS,
  IdempotentWrite: AclOperations.IDEMPOTENT_WRITE,
} as const satisfies Record<Operation, AclOperationValue>;

/** Also those that are never needed, but contain others. */
const operationNames = new Map<number, string>([
  ...Object.entries(operationValues).map(([name, value]): [number, string] => [value, name]),
  [AclOperations.ALL, 'All'],
  [AclOperations.DELETE, 'Delete'],
  [AclOperations.ALTER, 'Alter'],
  [AclOperations.ALTER_CONFIGS, 'AlterConfigs'],
]);

/** Rules of a real cluster. Whatever fails there is thrown as it comes from the Kafka library. */
export class KafkaAcls implements AclCluster {
  readonly #admin: Admin;

  /** @throws {KafkaAccessError} when a file of credentials cannot be used. */
  constructor(connection: ClusterConnection) {
    this.#admin = new Admin(adminOptions(connection, 'edge-ingest-acls'));
  }

  async wantsIdempotentWrite(): Promise<boolean> {
    const apis = await this.#admin.listApis();
    return !apis.some(({ apiKey }) => apiKey === apiSince28);
  }

  async read(): Promise<ActualAcl[]> {
    const resources = await this.#admin.describeAcls({
      filter: {
        resourceType: ResourceTypes.ANY,
        resourceName: null,
        resourcePatternType: ResourcePatternTypes.ANY,
        principal: null,
        host: null,
        operation: AclOperations.ANY,
        permissionType: AclPermissionTypes.ANY,
      },
    });
    return resources.flatMap(({ acls, ...target }) => {
      const place = placeOf(target);
      if (place === undefined) return [];
      return acls.map(({ principal, host, operation, permissionType }) => ({
        ...place,
        principal,
        host,
        operation: operationNames.get(operation) ?? `operation ${operation}`,
        allows: permissionType === AclPermissionTypes.ALLOW,
      }));
    });
  }

  async allow(principal: string, acls: readonly NeededAcl[]): Promise<void> {
    const creations = acls.map(({ resource, name, operation }) => ({
      resourceType: resource === 'topic' ? ResourceTypes.TOPIC : ResourceTypes.CLUSTER,
      resourceName: name,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal,
      host: '*',
      operation: operationValues[operation],
      permissionType: AclPermissionTypes.ALLOW,
    }));
    await this.#admin.createAcls({ creations });
  }

  close(): Promise<void> {
    return this.#admin.close();
  }
}

/** Undefined for resources that none of these permissions is about. */
function placeOf(target: AclTarget): Pick<ActualAcl, 'resource' | 'name' | 'pattern'> | undefined {
  const { resourceType, resourceName: name, resourcePatternType } = target;
  const pattern = resourcePatternType === ResourcePatternTypes.PREFIXED ? 'prefixed' : 'literal';
  if (resourceType === ResourceTypes.TOPIC) return { resource: 'topic', name, pattern };
  return resourceType === ResourceTypes.CLUSTER ? { resource: 'cluster', name, pattern } : undefined;
}
