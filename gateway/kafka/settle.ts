import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { KafkaObserver } from './observer.ts';

/** Tells each, in order, its outcome. One that throws does not keep it from the others. */
export function settleAll(settleables: readonly Settleable[], outcome: Outcome, observer: KafkaObserver): void {
  for (let i = 0; i < settleables.length; i++) {
    try {
      (settleables[i] as Settleable).settleRecord(outcome);
    } catch (error) {
      observer.settleFailed(error);
    }
  }
}
