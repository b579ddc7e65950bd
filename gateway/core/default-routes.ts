import type { RouteSettings } from './route.ts';

const vehicle = {
  format: 'protobuf',
  kafkaTopic: 'veh.events.raw',
  key: 'topic:vehicleId',
  deviceKind: 'vehicle',
  subject: 'vehicleId',
} as const;

const vehicleTelemetry = {
  ...vehicle,
  eventType: 'com.mobilitycorp.vehicle.telemetry.v1',
  schema: 'vehicle-telemetry.avsc',
} as const;

const batteryStatus = {
  ...vehicle,
  eventType: 'com.mobilitycorp.vehicle.battery.v1',
  schema: 'battery-status.avsc',
} as const;

const diagnostics = {
  ...vehicle,
  eventType: 'com.mobilitycorp.vehicle.diagnostics.v1',
  schema: 'diagnostics.avsc',
} as const;

const incident = {
  ...vehicle,
  eventType: 'com.mobilitycorp.vehicle.incident.v1',
  schema: 'incident.avsc',
} as const;

const bayOccupancy = {
  format: 'protobuf',
  kafkaTopic: 'veh.events.raw',
  key: 'payload:vehicleId|topic:bayId',
  deviceKind: 'bay',
  subject: 'bayId',
  eventType: 'com.mobilitycorp.bay.occupancy.v1',
  schema: 'bay-occupancy.avsc',
} as const;

/** The routes of a gateway whose configuration names none. */
export const defaultRoutes: readonly RouteSettings[] = [
  {
    ...vehicleTelemetry,
    pattern: 'v1/vehicles/{vehicleId}/telemetry',
    message: 'mobility.telemetry.v1.VehicleTelemetry',
  },
  {
    ...vehicleTelemetry,
    pattern: 'v1/vehicles/{vehicleId}/telemetry/batch',
    message: 'mobility.telemetry.v1.VehicleTelemetryBatch',
    items: 'items',
  },
  {
    ...bayOccupancy,
    pattern: 'v1/bays/{bayId}/events',
    message: 'mobility.telemetry.v1.BayOccupancy',
  },
  {
    ...bayOccupancy,
    pattern: 'v1/bays/{bayId}/events/batch',
    message: 'mobility.telemetry.v1.BayOccupancyBatch',
    items: 'items',
  },
  {
    ...batteryStatus,
    pattern: 'v1/vehicles/{vehicleId}/battery',
    message: 'mobility.telemetry.v1.BatteryStatus',
  },
  {
    ...batteryStatus,
    pattern: 'v1/vehicles/{vehicleId}/battery/batch',
    message: 'mobility.telemetry.v1.BatteryStatusBatch',
    items: 'items',
  },
  {
    ...diagnostics,
    pattern: 'v1/vehicles/{vehicleId}/diagnostics',
    message: 'mobility.telemetry.v1.Diagnostics',
  },
  {
    ...diagnostics,
    pattern: 'v1/vehicles/{vehicleId}/diagnostics/batch',
    message: 'mobility.telemetry.v1.DiagnosticsBatch',
    items: 'items',
  },
  {
    ...incident,
    pattern: 'v1/vehicles/{vehicleId}/incidents',
    message: 'mobility.telemetry.v1.Incident',
  },
  {
    ...incident,
    pattern: 'v1/vehicles/{vehicleId}/incidents/batch',
    message: 'mobility.telemetry.v1.IncidentBatch',
    items: 'items',
  },
  {
    pattern: 'v1/vehicles/{vehicleId}/commands/{commandId}/ack',
    format: 'raw',
    kafkaTopic: 'veh.commands.status',
    key: 'topic:vehicleId',
    deviceKind: 'vehicle',
    subject: 'vehicleId',
    eventType: 'com.mobilitycorp.vehicle.command.ack.v1',
  },
];

/** The topic on which a vehicle receives its commands: all that a device may subscribe to. */
export const defaultCommandTopic = 'v1/vehicles/{vehicleId}/commands';
