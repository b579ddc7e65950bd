import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../..');
const document = parse(readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8')) as {
  groups: { name: string; rules: Rule[] }[];
};
const rules = document.groups.flatMap((group) => group.rules);

/** Everything that the gateway exports: its figures' names are written out in the sources. */
const exported = new Set(
  readdirSync(join(root, 'gateway'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(join(root, 'gateway', file), 'utf8').match(/(?<=')edge_[a-z_]+(?=')/g) ?? []),
);

const duration = /^(\d+(ms|s|m|h|d))+$/;

/** The tokens of the part of PromQL that the rules use; throws for anything else. */
function tokens(expression: string): string[] {
  const found: string[] = [];
  const token = /\s*([a-z_]+|\d+(?:\.\d+)?|"[^"]*"|\[\d+[smhd]\]|!=|==|>=|<=|[(){}=<>,+*/-])/y;
  for (let at = 0; at < expression.trimEnd().length; ) {
    token.lastIndex = at;
    const match = token.exec(expression);
    if (match === null) throw new Error(`not PromQL at ${at}: ${expression}`);
    found.push(match[1] as string);
    at = token.lastIndex;
  }
  return found;
}

function expectBalanced(all: readonly string[]): void {
  const open: string[] = [];
  for (const token of all) {
    if (token === '(' || token === '{') open.push(token);
    if (token === ')') expect(open.pop()).toBe('(');
    if (token === '}') expect(open.pop()).toBe('{');
  }
  expect(open).toEqual([]);
}

describe('the alerting rules', () => {
  test('have names, severities and texts', () => {
    expect(Object.keys(document)).toEqual(['groups']);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const rule of rules) {
      const known = ['alert', 'expr', 'for', 'labels', 'annotations'];
      expect(Object.keys(rule).filter((key) => !known.includes(key))).toEqual([]);
      expect(rule.alert).toMatch(/^Edge[A-Za-z]+$/);
      if (rule.for !== undefined) expect(rule.for).toMatch(duration);
      expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
      expect(Object.keys(rule.annotations)).toEqual(['summary', 'description']);
      for (const text of Object.values(rule.annotations)) {
        // Go's template language: only what Prometheus fills in.
        const fields = text.match(/\{\{.*?\}\}/g) ?? [];
        for (const field of fields) expect(['{{ $labels.instance }}', '{{ $value }}']).toContain(field);
      }
    }
  });

  test.each(rules.map((rule) => [rule.alert, rule.expr] as const))(
    '%s compares a figure that the gateway exports',
    (_, expression) => {
      const all = tokens(expression);
      expectBalanced(all);
      expect(all.some((token) => /^(?:[=!]=|[<>]=?)$/.test(token))).toBe(true);
      const names = all.filter((token, index) => /^[a-z_]+$/.test(token) && all[index + 1] !== '=');
      const words = ['increase', 'sum', 'without', 'direction', 'reason', 'time'];
      const figures = names.filter((name) => !words.includes(name));
      expect(figures.length).toBeGreaterThan(0);
      for (const figure of figures) expect(exported).toContain(figure);
    },
  );

  test('tell a counter by its increase, and a gauge as it is', () => {
    for (const { expr } of rules) expect(/_total(\{[^}]*\})?\[/.test(expr)).toBe(expr.includes('increase('));
  });
});
