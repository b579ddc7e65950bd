import { inAddressRanges } from './config/address-ranges.ts';
import type { GatewayConfig } from './config/schema.ts';
import { Admission } from './core/limits/admission.ts';
import type { RateLimits } from './core/limits/message-rate.ts';
import type { LimitsObserver } from './core/limits/observer.ts';

/** Who may begin what, by the settings. */
export const admissionOf = ({ limits }: GatewayConfig, observer: LimitsObserver): Admission =>
  new Admission({
    limits,
    rates: limits.messages,
    isExempt: inAddressRanges(limits.exemptAddresses),
    observer,
    nowMs: performance.now(),
  });

/** What all devices together may send: a second's worth at once, for they hardly ever are quiet together. */
export const fleetRateOf = ({ limits }: GatewayConfig): RateLimits => ({
  messagesPerSecond: limits.messages.fleetMessagesPerSecond,
  bytesPerSecond: limits.messages.fleetBytesPerSecond,
  burstSeconds: 1,
  hardMultiple: 0,
});
