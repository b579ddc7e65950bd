import { expect, it, onTestFinished } from 'vitest';
import { AdministeredDevices } from '../../gateway/administered-devices.ts';
import { idPattern } from '../../gateway/administration/schemas.ts';
import { isUsableId } from '../../gateway/identity/device.ts';
import { DeviceRegistry } from '../../gateway/identity/registry.ts';

it('finds the few devices that a filter lets through among thousands, page by page', async () => {
  const registry = DeviceRegistry.open(':memory:', { busyTimeoutMs: 0 });
  onTestFinished(() => registry.close());
  const rare = new Set([3, 999, 1000, 1001, 2300]);
  for (let number = 0; number < 2400; number++) {
    await registry.add({
      deviceId: `dev-${String(number).padStart(5, '0')}`,
      kind: 'vehicle',
      boundTo: 'v',
      secretHash: 'x',
      enabled: !rare.has(number),
      createdAtMs: 1,
      rotatedAtMs: undefined,
    });
  }
  const devices = new AdministeredDevices(registry, { endChanged: async () => 0, failed: () => {} });
  for (const limit of [1, 2, 5, 1000]) {
    const found: number[] = [];
    let after: string | undefined = '';
    while (after !== undefined) {
      const page: Awaited<ReturnType<typeof devices.page>> = await devices.page({ after, limit, enabled: false });
      expect(page.devices.length).toBeLessThanOrEqual(limit);
      found.push(...page.devices.map(({ deviceId }) => Number(deviceId.slice(4))));
      after = page.next;
    }
    expect(found).toEqual([...rare]);
  }
});

it('takes the ids that the registry takes', () => {
  const pattern = new RegExp(idPattern);
  const ids = [
    'dev-1',
    'a',
    'a.b_c:d@e~f',
    '.',
    '..',
    '',
    'a b',
    'a/b',
    'a+',
    '#',
    'ä',
    'a\n',
    'x'.repeat(128),
    'x'.repeat(129),
  ];
  for (const id of ids) expect([id, pattern.test(id)]).toEqual([id, isUsableId(id)]);
});
