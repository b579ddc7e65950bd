import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFleet } from '../device-simulator/core/fleet.ts';
import { World } from '../device-simulator/core/world.ts';
import { loadPayloadEncoder, telemetryTopic } from '../device-simulator/mqtt/payload.ts';
import type { DemoPorts } from './ports.ts';

export interface RunningDemo {
  readonly folder: string;
  readonly devicesCsv: string;
  readonly logFile: string;
  readonly ports: DemoPorts;
  readonly bootstrap: readonly string[];
  readonly registryUrl: string;
  readonly topic: string;
  readonly secrets: ReadonlyMap<string, string>;
  readonly vehicles: number;
  readonly bays: number;
}

/** What is running where, and how to use it by hand. Writes the payload of the example publish next to the settings. */
export async function addresses(demo: RunningDemo): Promise<string[]> {
  const { ports, bootstrap, registryUrl, topic } = demo;
  const fleet = createFleet({ vehicles: demo.vehicles, bays: demo.bays, runId: demo.vehicles });
  const [device] = fleet;
  if (!device) return [];
  const payload = join(demo.folder, 'payload.bin');
  const envelope = { device, sequence: 1, eventTimeMs: Date.now() };
  const world = new World(fleet, 1, envelope.eventTimeMs);
  const encoder = loadPayloadEncoder();
  await writeFile(
    payload,
    device.kind === 'vehicle'
      ? encoder.vehicle(envelope, world.vehicleAt(0, 0))
      : encoder.bay(envelope, world.bayAt(0, 0)),
  );
  const login = `-h 127.0.0.1 -p ${ports.mqtt} -i ${device.deviceId} -u ${device.deviceId} -P ${demo.secrets.get(device.deviceId)}`;
  const publish = `-q 1 -t ${telemetryTopic(device)}`;
  return [
    'Everything is running:',
    `  MQTT             mqtt://127.0.0.1:${ports.mqtt} (3.1.1 and 5.0)`,
    `  Kafka            ${bootstrap.join(',')}, topics ${topic} and alerts`,
    `  schema registry  ${registryUrl}`,
    `  metrics          http://127.0.0.1:${ports.admin}/metrics (and /livez, /readyz)`,
    `  gateway's log    ${demo.logFile}`,
    '',
    'Publish as a device (with Mosquitto’s client, or with the one of MQTT.js):',
    `  mosquitto_pub -V mqttv5 ${login} ${publish} -f ${payload}`,
    `  npx mqtt pub -V 5 ${login} ${publish} -s < ${payload}`,
    'Read the topic (with kcat, or with Kafka’s own tool):',
    `  kcat -b ${bootstrap[0]} -t ${topic} -C -o beginning -e -s value=avro -r ${registryUrl}`,
    `  kafka-console-consumer.sh --bootstrap-server ${bootstrap[0]} --topic ${topic} --from-beginning --property print.key=true --property print.headers=true`,
    'Drive the fleet once more:',
    `  npm run simulate -- --mqtt 127.0.0.1:${ports.mqtt} --devices-csv ${demo.devicesCsv} --vehicles ${demo.vehicles} --bays ${demo.bays} --verify --kafka ${bootstrap.join(',')} --registry ${registryUrl}`,
    '',
    'Ctrl-C ends it all.',
  ];
}
