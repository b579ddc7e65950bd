import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { KafkaObserver } from './observer.ts';

/** Tells records their outcomes, and counts them. */
export class Settling {
  readonly #observer: KafkaObserver;
  /** Records that have been told their outcome. */
  told = 0;

  constructor(observer: KafkaObserver) {
    this.#observer = observer;
  }

  /** Tells each, in order, its outcome. One that throws does not keep it from the others. */
  tell(settleables: readonly Settleable[], outcome: Outcome): void {
    for (let i = 0; i < settleables.length; i++) {
      this.told += 1;
      try {
        (settleables[i] as Settleable).settleRecord(outcome);
      } catch (error) {
        this.#observer.settleFailed(error);
      }
    }
  }
}
