import { describe, expect, it } from 'vitest';
import { Access } from '../../../gateway/core/access.ts';
import { defaultCommandTopic, defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { RouteTable } from '../../../gateway/core/route-table.ts';
import { anonymous, bay, vehicle } from './fixture.ts';

const access = new Access(new RouteTable(defaultRoutes), defaultCommandTopic);

describe('publishing', () => {
  it('is allowed on the topics of the vehicle or bay that the device is bound to', () => {
    expect(access.mayPublish(vehicle, 'v1/vehicles/veh-7/telemetry')).toBeUndefined();
    expect(access.mayPublish(vehicle, 'v1/vehicles/veh-7/commands/1/ack')).toBeUndefined();
    expect(access.mayPublish(bay, 'v1/bays/bay-3/events/batch')).toBeUndefined();
  });

  it('is refused on the topics of another one', () => {
    expect(access.mayPublish(vehicle, 'v1/vehicles/veh-8/telemetry')?.reason).toBe('not_authorized');
    expect(access.mayPublish(vehicle, 'v1/bays/veh-7/events')?.reason).toBe('not_authorized');
    expect(access.mayPublish(bay, 'v1/bays/bay-4/events')?.reason).toBe('not_authorized');
  });

  it('is refused on a topic without a route, to everybody', () => {
    for (const identity of [vehicle, bay, anonymous]) {
      expect(access.mayPublish(identity, 'v1/vehicles/veh-7/commands')?.reason).toBe('no_route');
    }
  });

  it('is allowed to an anonymous device for any vehicle and bay', () => {
    expect(access.mayPublish(anonymous, 'v1/vehicles/any/telemetry')).toBeUndefined();
    expect(access.mayPublish(anonymous, 'v1/bays/any/events')).toBeUndefined();
  });
});

describe('subscribing', () => {
  it('is allowed to a vehicle on the topic of its own commands, and on nothing else', () => {
    expect(access.maySubscribe(vehicle, 'v1/vehicles/veh-7/commands')).toBe(true);
    for (const filter of [
      'v1/vehicles/veh-8/commands',
      'v1/vehicles/+/commands',
      'v1/vehicles/veh-7/#',
      'v1/vehicles/veh-7/commands/#',
      'v1/vehicles/veh-7/telemetry',
      '$share/g/v1/vehicles/veh-7/commands',
      '#',
      '',
    ]) {
      expect(access.maySubscribe(vehicle, filter), filter).toBe(false);
    }
  });

  it('is no way around by an id that is a wildcard', () => {
    expect(access.maySubscribe({ ...vehicle, boundTo: '+' }, 'v1/vehicles/+/commands')).toBe(false);
  });

  it('is refused to a bay', () => {
    expect(access.maySubscribe({ ...bay, boundTo: 'veh-7' }, 'v1/vehicles/veh-7/commands')).toBe(false);
  });

  it('is allowed to an anonymous device for one vehicle at a time', () => {
    expect(access.maySubscribe(anonymous, 'v1/vehicles/veh-9/commands')).toBe(true);
    expect(access.maySubscribe(anonymous, 'v1/vehicles/+/commands')).toBe(false);
  });

  it('follows the configured topic, which must name the vehicle', () => {
    const other = new Access(new RouteTable(defaultRoutes), 'cmd/{vehicle}');
    expect(other.maySubscribe(vehicle, 'cmd/veh-7')).toBe(true);
    expect(other.maySubscribe(vehicle, 'v1/vehicles/veh-7/commands')).toBe(false);
    expect(() => new Access(new RouteTable(defaultRoutes), 'commands')).toThrow('has no named level for the vehicle');
  });
});
