import { encryptedTopicsOf } from './encrypted-topics.ts';
import { hashConcurrencyOf } from './hash-concurrency.ts';
import type { GatewayConfig } from './schema.ts';

/** Memory that one of the limits allows to be taken. */
export interface MemoryNeed {
  /** The setting that it follows from. */
  readonly setting: string;
  readonly bytes: number;
}

/** The process with its code, before the first device: measured, rounded up. */
const processBytes = 208 * 1024 * 1024;
/** A connection with its session, idle (measured 12 kB), and what it remembers of its last publish (1 to 3 kB), rounded up. */
const perConnectionBytes = 16 * 1024;
/** What TLS takes of a connection beside that: 78 kB were seen with a bare server, rounded up. */
const perSecureConnectionBytes = 96 * 1024;
/** What a WebSocket takes beside that: measured 15 kB, rounded up. */
const perWebSocketBytes = 16 * 1024;
const perSessionAwayBytes = 1536;
/** A publish, its event, its places in the answers and in the batch, beside its bytes. */
const perUnsettledRecordBytes = 704;
const perCachedCredentialBytes = 256;
/** Its row, for when the registry does not answer. */
const perKnownDeviceBytes = 512;
/** Of a device whose last events are remembered, beside these: its id, its places in the index and in the order. */
const perWindowDeviceBytes = 256;
/** Of a device that was rejected, or came and went: its id, its share of dead letters, or of records about that. */
const perShareBytes = 256;
/** What the rules of alerts remember of a vehicle: two states, an id, places in the cache. */
const perAlertVehicleBytes = 1280;
/** Of a geofence, and of each position of its rings, as the library and as the index want them: measured, rounded up. */
const perFenceBytes = 1024;
const perPositionBytes = 192;
const leastPositionsOfFence = 4;
/** What an index of fences remembers of cells: calculated, rounded up. */
const cellsBytes = 20 * 1024 * 1024;
/** Of an address and of a device that are remembered, of a login that failed, and of two bans: calculated, rounded up. */
const perTrackedBytes = 1024;
/** A socket whose handshake has not begun, and 8 KiB that it may have sent (`mqtt/handshake-gate.ts`). */
const perWaitingHandshakeBytes = 12 * 1024;
/** What may wait of audit records: 5000, of 4 Mi characters together, as lines and in batches: calculated, rounded up. */
const auditCopiesBytes = 24 * 1024 * 1024;
/** scrypt at its default cost, and the thread that it runs on (`identity/hash-threads.ts`): 30 MB measured. */
const perHashBytes = 32 * 1024 * 1024;

/** The limits may fill this share of the ceiling: above it the gateway begins to refuse connections. */
export const plannedShare = 0.85;

/**
 * What the limits add up to when every one of them is used to the full. Not in it, as no limit of a setting stands behind
 * it: bytes that were read of paused connections, at most 128 KiB each, and what waits for devices that do not read. The
 * watch over the memory answers for these.
 */
export function memoryNeeds(config: GatewayConfig): MemoryNeed[] {
  const { listeners, mqtt, kafka, spool, connectivity, deadLetters, duplicates, alerts, identity, limits } = config;
  const { enabled, audit } = config.administration;
  const secureListeners = listeners.filter(({ tls }) => tls !== undefined).length;
  const isSecure = secureListeners > 0;
  const hasWebSockets = listeners.some(({ transport }) => transport === 'websocket');
  const away = Math.max(0, mqtt.maxSessions - mqtt.maxConnections);
  return [
    { setting: 'the process itself', bytes: processBytes },
    { setting: 'mqtt.maxConnections', bytes: mqtt.maxConnections * perConnectionBytes },
    { setting: 'mqtt.maxConnections with tls', bytes: isSecure ? mqtt.maxConnections * perSecureConnectionBytes : 0 },
    { setting: 'listeners[].tls.maxHandshakes', bytes: handshakesBytes(listeners) },
    {
      setting: 'mqtt.maxConnections with transport: websocket',
      bytes: hasWebSockets ? mqtt.maxConnections * perWebSocketBytes : 0,
    },
    { setting: 'mqtt.maxSessions', bytes: away * perSessionAwayBytes },
    { setting: 'mqtt.maxPartialBytes', bytes: mqtt.maxPartialBytes },
    // Encoded, and the payloads, which are kept for the case that Kafka refuses a record for good.
    { setting: 'kafka.hardBytes', bytes: 2 * kafka.hardBytes },
    { setting: 'kafka.hardRecords', bytes: kafka.hardRecords * perUnsettledRecordBytes },
    // While Kafka is away the producer keeps what it has handed over, beside what waits for the disk.
    { setting: 'spool.mode', bytes: spool.mode === 'off' ? 0 : 2 * kafka.hardBytes + spool.replayMaxBytes },
    // As many anonymous clients besides, whose names are theirs to choose, and to make long.
    { setting: 'deadLetters.maxDevices', bytes: deadLetters.maxDevices * 3 * perShareBytes },
    { setting: 'connectivity.enabled', bytes: connectivity.enabled ? mqtt.maxSessions * perShareBytes : 0 },
    { setting: 'duplicates.maxDevices', bytes: duplicatesBytes(duplicates) },
    { setting: 'alerts.maxVehicles', bytes: alerts.enabled ? alerts.maxVehicles * perAlertVehicleBytes : 0 },
    { setting: 'alerts.geofences.maxPositions', bytes: fencesBytes(alerts) },
    {
      setting: 'identity.cacheMaxEntries',
      bytes:
        identity.cacheMaxEntries *
        (perCachedCredentialBytes + (identity.offlineGraceSeconds > 0 ? perKnownDeviceBytes : 0)),
    },
    { setting: 'identity.hashConcurrency', bytes: hashConcurrencyOf(config) * perHashBytes },
    { setting: 'administration.audit.topic', bytes: enabled && audit.topic !== '' ? auditCopiesBytes : 0 },
    // Where records are written before they are sealed: of devices, of a backlog, and of its headers.
    { setting: 'routes[].encrypted', bytes: encryptedTopicsOf(config).size === 0 ? 0 : 3 * kafka.maxBatchBytes },
    { setting: 'limits.maxTracked', bytes: limits.maxTracked * perTrackedBytes },
    {
      setting: 'limits.handshakes.queueMax',
      bytes: secureListeners * limits.handshakes.queueMax * perWaitingHandshakeBytes,
    },
  ];
}

/** Those under way are not counted among the connections. */
const handshakesBytes = (listeners: GatewayConfig['listeners']): number =>
  listeners.reduce((sum, { tls }) => sum + (tls?.maxHandshakes ?? 0) * perSecureConnectionBytes, 0);

/** Two bits for each event of two boots, and a few figures. */
export const windowBytesPerDevice = (windowSize: number): number => perWindowDeviceBytes + windowSize / 2;

function duplicatesBytes(duplicates: GatewayConfig['duplicates']): number {
  const { enabled, maxDevices, windowSize, maxWaitingCopies, maxWaitingBytes } = duplicates;
  if (!enabled) return 0;
  return maxDevices * windowBytesPerDevice(windowSize) + maxWaitingBytes + maxWaitingCopies * perUnsettledRecordBytes;
}

/** Twice: those before stay until new ones are complete. */
function fencesBytes({ enabled, geofences }: GatewayConfig['alerts']): number {
  const { path, maxFences, maxPositions } = geofences;
  if (!enabled || path === undefined) return 0;
  const mostFences = Math.min(maxFences, Math.floor(maxPositions / leastPositionsOfFence));
  return 2 * (maxPositions * perPositionBytes + mostFences * perFenceBytes + cellsBytes);
}

export const totalBytes = (needs: readonly MemoryNeed[]): number => needs.reduce((sum, { bytes }) => sum + bytes, 0);

/** The least ceiling for the limits of these settings. */
export const leastCeilingBytes = (config: GatewayConfig): number =>
  Math.ceil(totalBytes(memoryNeeds(config)) / plannedShare);
