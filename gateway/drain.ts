import type { GatewayConfig } from './config/schema.ts';
import type { Farewell } from './mqtt/farewell.ts';
import { reasonCodes } from './mqtt/reason-codes.ts';
import type { MqttServer } from './mqtt/server.ts';
import type { LifecycleEvents } from './observability/lifecycle-events.ts';

export type ShutdownSettings = GatewayConfig['shutdown'];

export interface DrainParts {
  readonly mqtt: MqttServer;
  readonly settings: ShutdownSettings;
  readonly lifecycle: LifecycleEvents;
  /** Settles everything unsettled within the time; resolves with how many records are left. */
  readonly settle: (deadlineMs: number) => Promise<number>;
}

/** What is left of the deadline for settling when the hand-over has used up its own: its largest part, and most of it. */
const settleShare = 0.1;
const mostForSettlingMs = 1000;

export function farewellOf({ serverReference, serverMoved }: ShutdownSettings): Farewell {
  if (serverReference === '') return { code: reasonCodes.serverShuttingDown, serverReference };
  return { code: serverMoved ? reasonCodes.serverMoved : reasonCodes.useAnotherServer, serverReference };
}

/**
 * Empties a gateway that is no longer ready, source first. Every step is logged with its duration:
 *
 * - `readiness_delay`: devices are served as ever, until the load balancer has noticed;
 * - `hand_over`: no new connections; the present ones are let go one by one, each settled, answered and told;
 * - `settle`: what devices are not waiting for (QoS 0, wills), and what the hand-over has left;
 * - `dismiss`: who is still there is told now.
 *
 * @returns records left unsettled.
 */
export async function drain({ mqtt, settings, lifecycle, settle }: DrainParts): Promise<number> {
  const { readinessDelayMs, drainDeadlineMs, disconnectsPerSecond } = settings;
  const step = async <Figures extends object>(name: string, work: () => Promise<Figures>): Promise<Figures> => {
    const startedAtMs = performance.now();
    const figures = await work();
    lifecycle.drainStep(name, performance.now() - startedAtMs, figures);
    return figures;
  };
  mqtt.announceFarewell(farewellOf(settings));
  if (readinessDelayMs > 0) {
    await step('readiness_delay', async () => {
      await new Promise((resolve) => setTimeout(resolve, readinessDelayMs));
      return { connections: mqtt.connections };
    });
  }
  const endAtMs = performance.now() + drainDeadlineMs;
  const forSettlingMs = Math.min(mostForSettlingMs, drainDeadlineMs * settleShare);
  mqtt.stopAccepting();
  await step('hand_over', async () => {
    const { connections } = mqtt;
    const left = await mqtt.handOver({
      connectionsPerSecond: disconnectsPerSecond,
      deadlineMs: drainDeadlineMs - forSettlingMs,
    });
    return { connections, left };
  });
  mqtt.stopReading();
  const { unsettled } = await step('settle', async () => ({
    unsettled: await settle(Math.max(0, endAtMs - performance.now())),
  }));
  // The answers of the last batch leave at the end of this turn of the event loop, before the farewell.
  await step('dismiss', async () => {
    const { connections } = mqtt;
    mqtt.dismissAll();
    return { connections };
  });
  return unsettled;
}
