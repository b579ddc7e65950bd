import { Command } from 'commander';
import { generateSecret, hashSecret } from '../secret-hash.ts';
import { printSecret } from './add.ts';
import {
  type CostChoice,
  parseId,
  type RegistryChoice,
  unknownDevice,
  useRegistry,
  withCost,
  withRegistry,
} from './common.ts';

interface RotateOptions extends RegistryChoice, CostChoice {
  readonly json?: true;
}

/** `devices rotate ID`: a new secret; the old one is refused from the next connect on. */
export const rotateCommand = (): Command =>
  withCost(withRegistry(new Command('rotate')))
    .description('replace the secret of a device and print the new one, once')
    .argument('<device-id>', 'its MQTT user name', parseId)
    .option('--json', 'print one line of JSON')
    .action(rotate);

async function rotate(deviceId: string, { scryptCost, json, ...choice }: RotateOptions): Promise<void> {
  const secret = generateSecret();
  const secretHash = await hashSecret(secret, scryptCost);
  const rotated = await useRegistry(choice, 'refuse', (registry) => registry.rotate(deviceId, secretHash, Date.now()));
  if (!rotated) throw unknownDevice(deviceId);
  printSecret(deviceId, secret, json);
}
