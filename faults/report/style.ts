/** Style of the report. Colours follow the reader's preference for light or dark. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #ffffff; --line: #d1d9e0;
  --a: #0969da; --b: #bc4c00; --fault: #cf222e; --good: #1a7f37; --shade: #cf222e14; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --line: #3d444d;
  --a: #4493f8; --b: #f0883e; --fault: #ff7b72; --good: #3fb950; --shade: #ff7b7220; } }
body { margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
a { color: var(--a); } code { font-size: 0.9em; }
.figures { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; list-style: none; padding: 0; color: var(--soft); }
.figures b { color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.85rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .text td, .text th { text-align: left; } .text td { white-space: normal; }
.badge { font-size: 0.75rem; font-weight: 600; padding: 0.05rem 0.5rem; border-radius: 1rem; border: 1px solid currentColor; }
.good { color: var(--good); } .bad { color: var(--fault); } .none { color: var(--soft); }
.problems { color: var(--fault); }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--soft); } .panel-title { font-weight: 600; fill: var(--ink); }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: 0.5; }
.line { fill: none; stroke-width: 1.5; stroke-linejoin: round; } .line.a { stroke: var(--a); } .line.b { stroke: var(--b); }
svg .legend.a { fill: var(--a); } svg .legend.b { fill: var(--b); }
line.phase { stroke: var(--soft); stroke-dasharray: 2 4; stroke-width: 0.7; } svg .phase-label { font-size: 9px; }
line.fault { stroke: var(--fault); stroke-dasharray: 4 3; } svg .fault-label { fill: var(--fault); }
.not-ready { fill: var(--shade); }
`;
