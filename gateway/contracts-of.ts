import type { GatewayConfig } from './config/schema.ts';
import { type Contracts, loadContracts, type RecordSettings } from './contract/contract.ts';

/** What the codec of alerts is asked for by. */
export const alertRecord = 'alert';

/** What the codec of connectivity events is asked for by. */
export const connectivityRecord = 'connectivity';

/** Records that a gateway with these settings writes by itself, not on a route. */
export const ownRecords = ({ alerts, connectivity }: GatewayConfig): readonly RecordSettings[] => [
  ...(alerts.enabled ? [{ name: alertRecord, kafkaTopic: alerts.topic, schema: 'alert.avsc' }] : []),
  ...(connectivity.enabled
    ? [{ name: connectivityRecord, kafkaTopic: connectivity.topic, schema: 'connectivity.avsc' }]
    : []),
];

/**
 * The contracts of everything that a gateway with these settings writes: one source for the gateway and for whoever
 * checks or registers its schemas.
 *
 * @throws {ContractError | RouteError}
 */
export const contractsOf = (config: GatewayConfig): Contracts =>
  loadContracts({ ...config, records: ownRecords(config) });
