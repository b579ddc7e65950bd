import { assertPortFree, freePorts } from '../deploy/local/ports.ts';
import { LocalServerError } from '../deploy/local/progress.ts';

/** The ports of everything that the demo starts. */
export interface DemoPorts {
  readonly mqtt: number;
  /** One per broker. */
  readonly kafka: readonly number[];
  readonly registry: number;
  readonly admin: number;
}

const usual = { mqtt: 1883, kafka: 9092, registry: 8081, admin: 9464 } as const;

/** The usual ports where they are free, others where they are not. */
export async function choosePorts(brokers: 1 | 3): Promise<DemoPorts> {
  const wanted = [
    usual.mqtt,
    usual.registry,
    usual.admin,
    ...Array.from({ length: brokers }, (_, i) => usual.kafka + i),
  ];
  const others = await freePorts(wanted.length);
  const chosen: number[] = [];
  for (const [index, port] of wanted.entries()) chosen.push((await isFree(port)) ? port : (others[index] as number));
  const [mqtt, registry, admin, ...kafka] = chosen as [number, number, number, ...number[]];
  return { mqtt, registry, admin, kafka };
}

async function isFree(port: number): Promise<boolean> {
  try {
    await assertPortFree(port, 'the demo');
    return true;
  } catch (error) {
    if (error instanceof LocalServerError && error.code === 'port_taken') return false;
    throw error;
  }
}
