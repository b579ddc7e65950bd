import { defaultRoutes } from '../core/default-routes.ts';
import type { RouteSettings } from '../core/route.ts';

/** What the default routes carry, by the names of the settings, and its CloudEvents type. */
const eventTypes = {
  telemetry: 'com.mobilitycorp.vehicle.telemetry.v1',
  battery: 'com.mobilitycorp.vehicle.battery.v1',
  diagnostics: 'com.mobilitycorp.vehicle.diagnostics.v1',
  incidents: 'com.mobilitycorp.vehicle.incident.v1',
  bays: 'com.mobilitycorp.bay.occupancy.v1',
} as const;

/** Where all of them go unless they are told apart. */
export const usualTopic = 'veh.events.raw';

export type EventName = keyof typeof eventTypes;
export const eventNames = Object.keys(eventTypes) as readonly EventName[];

/** Kafka topic of each type of event. */
export type EventTopics = Readonly<Record<EventName, string>>;

/** The default routes, each to the topic of its type of event. */
export function defaultRoutesTo(topics: EventTopics): readonly RouteSettings[] {
  const byType = new Map<string, string>(eventNames.map((name) => [eventTypes[name], topics[name]]));
  return defaultRoutes.map((route) => ({ ...route, kafkaTopic: byType.get(route.eventType) ?? route.kafkaTopic }));
}
