import { Type } from 'typebox';
import { accessActions, identityKinds, ruleEffects } from '../core/authorization/rule.ts';
import { integer, section, text } from './schema-parts.ts';

const groupName = { pattern: '^[^\\s,]{1,128}$', rule: '1 to 128 characters without white space and comma' } as const;

/** One rule, in the settings and in a file of rules alike. */
const rule = section('What devices may do, or must not.', {
  name: text('Name in logs and explanations; no other rule has it.', {
    pattern: '^\\S(.{0,126}\\S)?$',
    rule: 'up to 128 characters in one line',
  }),
  effect: Type.Enum([...ruleEffects], {
    default: 'allow',
    description: '`deny` wins over every `allow`, wherever it stands.',
  }),
  actions: Type.Array(Type.Enum([...accessActions], { description: 'Action.' }), {
    minItems: 1,
    description: '`will`: to leave a will for the topic, and to have it published.',
  }),
  kinds: Type.Array(Type.Enum([...identityKinds], { description: 'Kind.' }), {
    minItems: 1,
    description: 'Kinds of devices that it applies to.',
  }),
  groups: Type.Optional(
    Type.Array(text('Group.', groupName), {
      minItems: 1,
      description: 'It applies to devices in one of these groups of the registry. Left out: in whichever.',
    }),
  ),
  topics: Type.Array(text('Topic filter.', { minLength: 1 }), {
    minItems: 1,
    description:
      'Topic filters with `+` and `#`; a whole level may be `{boundTo}`, `{deviceId}` or `{kind}` of the device.',
  }),
});

/** What a file of rules holds. */
export const rulesFile = Type.Object(
  { rules: Type.Array(rule, { minItems: 1, description: 'The rules.' }) },
  { additionalProperties: false, description: 'Rules of authorization.' },
);

/** The settings about who may do what. */
export const authorization = section(
  'What devices may publish, subscribe to and leave as wills, see docs/security.md. What no rule allows is denied.',
  {
    rules: Type.Optional(
      Type.Array(rule, {
        minItems: 1,
        description:
          'The rules, in place of the default ones: each device reports on the topics of its routes for what it is bound to, a vehicle reads its own commands.',
      }),
    ),
    rulesFile: text('The rules as a file (YAML or JSON) with the one key `rules`; not beside `rules`.', {
      default: '',
      holds: 'path',
    }),
    watchSeconds: integer(
      'How often the file of rules is looked at; a change is taken as on SIGHUP, without dropping sessions. 0: on SIGHUP only.',
      { default: 2, minimum: 0, maximum: 86_400 },
    ),
  },
);
