import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

export const encryption = section(
  'Encryption of what the gateway writes, see docs/encryption.md: records of routes with `encrypted: true`, and the spool.',
  {
    keysFile: text('File of keys (YAML or JSON), readable by its owner only. Needed where anything is encrypted.', {
      default: '',
      holds: 'path',
    }),
    masterKeysFile: text('File of the keys that wrap those of `keysFile`. Empty: none of them is wrapped.', {
      default: '',
      holds: 'path',
    }),
    watchSeconds: integer(
      'How often these files are looked at; a change is taken as on SIGHUP, without dropping connections. 0: on SIGHUP only.',
      { default: 2, minimum: 0, maximum: 86_400 },
    ),
    alerts: Type.Boolean({
      default: true,
      description: 'Encrypt alerts, too, where any route is encrypted: they tell where vehicles are.',
    }),
    connectivity: Type.Boolean({
      default: true,
      description: 'Encrypt records about connections, too, where any route is encrypted.',
    }),
  },
);
