import type { Screen } from './report/screen.ts';
import type { SimulationSignals } from './simulate.ts';

/** First SIGINT, SIGTERM or SIGHUP: `stop`. Second: `abandon`. Third: the process ends at once. */
export function interruptions(screen: Screen, onStop: string): SimulationSignals {
  const stop = new AbortController();
  const abandon = new AbortController();
  const onSignal = (): void => {
    if (abandon.signal.aborted) process.exit(130);
    if (stop.signal.aborted) {
      screen.print('not waiting any longer');
      abandon.abort();
      return;
    }
    screen.print(onStop);
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return { stop: stop.signal, abandon: abandon.signal };
}
