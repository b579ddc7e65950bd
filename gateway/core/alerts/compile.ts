import type { Fence } from './geofences/fence.ts';
import { FenceIndex } from './geofences/fence-index.ts';
import { type FaultCodeSettings, FaultCodes } from './rules/fault-codes.ts';
import { type GeofenceSettings, Geofences } from './rules/geofences.ts';
import { LowBattery, type LowBatterySettings } from './rules/low-battery.ts';
import { OdometerService, type OdometerServiceSettings } from './rules/odometer-service.ts';
import type { Rule } from './rules/rule.ts';
import { SuddenStop, type SuddenStopSettings } from './rules/sudden-stop.ts';

interface Switched {
  readonly enabled: boolean;
}

/** Settings of all rules. */
export interface AlertRuleSettings {
  readonly lowBattery: Switched & LowBatterySettings;
  readonly geofences: GeofenceSettings;
  readonly faultCodes: Switched & FaultCodeSettings;
  readonly odometerService: Switched & OdometerServiceSettings;
  readonly suddenStop: Switched & SuddenStopSettings;
}

/**
 * The rules that are switched on, for `derive`; that of geofences when there are fences. States outlive them: rules may
 * be exchanged between two events.
 */
export function compileRules(settings: AlertRuleSettings, fences: readonly Fence[]): readonly Rule[] {
  const { lowBattery, geofences, faultCodes, odometerService, suddenStop } = settings;
  const rules: Rule[] = [];
  if (lowBattery.enabled) rules.push(new LowBattery(lowBattery));
  if (fences.length > 0) rules.push(new Geofences(geofences, new FenceIndex(fences)));
  if (faultCodes.enabled) rules.push(new FaultCodes(faultCodes));
  if (odometerService.enabled) rules.push(new OdometerService(odometerService));
  if (suddenStop.enabled) rules.push(new SuddenStop(suddenStop));
  return rules;
}
