import { expect, test } from 'vitest';
import { Producer } from '../../../gateway/kafka/producer.ts';
import { quickSettings, RecordingObserver } from './recording.ts';

test('watermarks that are not in order refuse the start', async () => {
  const settings = { ...quickSettings, bootstrapBrokers: ['127.0.0.1:1'], softBytes: quickSettings.hardBytes };
  const start = () => Producer.start({ ...settings, topics: ['t'], observer: new RecordingObserver().observer });
  await expect(start()).rejects.toMatchObject({ code: 'invalid_settings' });
});
