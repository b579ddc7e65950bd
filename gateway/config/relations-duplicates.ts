import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import { windowBytesPerDevice } from './memory-needs.ts';
import type { GatewayConfig } from './schema.ts';

/** All windows together are a few arrays, and no array may be larger. */
const maxWindowBytes = 2 ** 32;

/** What contradicts itself in the settings about duplicates. */
export function duplicatesContradictions({ duplicates }: GatewayConfig): ConfigError[] {
  const { enabled, maxDevices, windowSize } = duplicates;
  if (!enabled) return [];
  const errors: ConfigError[] = [];
  if ((windowSize & (windowSize - 1)) !== 0) {
    const setting = joinPath(['duplicates', 'windowSize']);
    errors.push({
      code: 'wrong_value',
      setting,
      value: showValue(windowSize),
      allowed: 'a power of two, as 1024 or 2048',
    });
  }
  const mostDevices = Math.floor(maxWindowBytes / windowBytesPerDevice(windowSize));
  if (maxDevices > mostDevices) {
    const allowed = `at most ${mostDevices} with a duplicates.windowSize of ${windowSize}`;
    const setting = joinPath(['duplicates', 'maxDevices']);
    errors.push({ code: 'contradiction', setting, value: showValue(maxDevices), allowed });
  }
  return errors;
}
