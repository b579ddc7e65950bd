/** What a small electric car's battery does; no recuperation, so that its level only falls while it drives. */
export const battery = {
  capacityKwh: 52,
  chargerKw: 50,
  /** Heating, lights, computers while driving. */
  auxiliaryKw: 0.6,
  /** The telematics unit and the watchdogs while parked. */
  standbyKw: 0.03,
  massKg: 1_600,
} as const;

/** Power drawn from the battery while driving, kW: rolling, air, acceleration, auxiliaries. */
export function drivingKw(speedMps: number, accelerationMps2: number): number {
  const rollingN = battery.massKg * 9.81 * 0.011;
  const airN = 0.5 * 1.2 * 0.65 * speedMps * speedMps;
  const inertiaN = battery.massKg * Math.max(0, accelerationMps2);
  return ((rollingN + airN + inertiaN) * speedMps) / 0.88 / 1000 + battery.auxiliaryKw;
}

/** Level after drawing `kw` for `seconds`; [0, 1]. */
export const drained = (level: number, kw: number, seconds: number): number =>
  Math.max(0, level - (kw * seconds) / 3600 / battery.capacityKwh);

/** Level after charging for `seconds`; the charger slows down above 80 %. */
export function charged(level: number, seconds: number): number {
  const kw = level < 0.8 ? battery.chargerKw : battery.chargerKw * Math.max(0.1, (1 - level) / 0.2);
  return Math.min(1, level + (kw * seconds) / 3600 / battery.capacityKwh);
}

/** Voltage at the pack's terminals: falls with the level and sags under load, rises while charging. */
export const voltageV = (level: number, kw: number): number => 330 + 70 * level - 0.12 * kw;
