/** How /mesh looks: one neutral scale, light and dark from the same names. */
export const STYLE = `:root {
  --ground: #f7f7f8; --surface: #fff; --line: #e3e3e8; --text: #1b1b21; --dim: #63636e;
  --idle: #a3a3ad; --good: #4763d6; --warn: #b45309; --bad: #c81e3a; --ok: #15803d;
  --shadow: 0 1px 2px #0000000d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121215; --surface: #1a1a1f; --line: #2c2c33; --text: #ececf0; --dim: #9c9ca8;
    --idle: #62626d; --good: #8ea2ff; --warn: #f0a44b; --bad: #ff7183; --ok: #4ccb7f; --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 400 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums;
}
main { max-width: 1560px; margin: 0 auto; padding: 24px; display: grid; gap: 20px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 20px; }
h1 { margin: 0; font-size: 22px; font-weight: 600; letter-spacing: -0.01em; }
h2 { margin: 0 0 12px; font-size: 15px; font-weight: 600; }
small { font-size: 13px; font-weight: 400; color: var(--dim); margin-left: 6px; }
b { font-weight: 600; }
i { font-style: normal; color: var(--dim); padding: 0 2px; }
#summary { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-left: 8px; color: var(--dim); font-size: 13px; }
.pill { padding: 2px 10px; border-radius: 999px; border: 1px solid; font-size: 13px; font-weight: 600; }
.pill.good { color: var(--ok); } .pill.warn { color: var(--warn); } .pill.bad { color: var(--bad); }
#offline { margin: 0; color: var(--bad); font-weight: 600; }
.pair { display: grid; gap: 20px; }
@media (min-width: 1100px) { .pair { grid-template-columns: minmax(0, 0.95fr) minmax(0, 1fr); } }
section {
  min-width: 0; padding: 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 12px;
  box-shadow: var(--shadow);
}
.scroll { overflow-x: auto; border-radius: 8px; }
.scroll:focus-visible { outline: 2px solid var(--good); outline-offset: 4px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; }
th, td { padding: 7px 0 7px 12px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; padding-top: 0; color: var(--dim); font-weight: 400; }
th:first-child { text-align: left; padding-left: 0; font-weight: 400; }
.text { text-align: left; }
.package { color: var(--dim); }
.quiet { color: var(--dim); }
tr.warn .success { color: var(--warn); font-weight: 600; }
tr.bad .success { color: var(--bad); font-weight: 600; }
tr.warn .state, td.soon { color: var(--warn); font-weight: 600; }
tr.bad .state { color: var(--bad); font-weight: 600; }
.empty { margin: 0; color: var(--dim); }
.dot { display: inline-block; width: 8px; height: 8px; margin-right: 8px; border-radius: 50%; background: var(--idle); }
.dot.good { background: var(--ok); } .dot.warn { background: var(--warn); } .dot.bad { background: var(--bad); }
svg { display: block; max-width: 100%; height: auto; margin: 0 auto; font: inherit; }
.node rect { fill: var(--surface); stroke: var(--line); stroke-width: 1.5; }
.node:hover rect { stroke: var(--dim); }
.node .name { fill: var(--text); font-size: 13px; font-weight: 600; }
.node .figure { fill: var(--dim); font-size: 12px; }
.node circle { fill: var(--idle); }
.node.ready circle { fill: var(--ok); }
.node.not-ready circle { fill: var(--bad); }
.node.not-ready rect { stroke: var(--bad); }
.node.elsewhere rect { stroke-dasharray: 4 4; }
.edge path { fill: none; }
.edge .reach { stroke: transparent; stroke-width: 14; }
.edge.idle .line { stroke: var(--idle); } .head.idle { fill: var(--idle); }
.edge.good .line { stroke: var(--good); } .head.good { fill: var(--good); }
.edge.warn .line { stroke: var(--warn); } .head.warn { fill: var(--warn); }
.edge.bad .line { stroke: var(--bad); } .head.bad { fill: var(--bad); }
.edge .line { opacity: 0.8; }
.edge:hover .line { opacity: 1; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 0; color: var(--dim); font-size: 13px; }
.key::before {
  content: ""; display: inline-block; width: 18px; height: 0; margin-right: 7px; vertical-align: middle;
  border-top: 3px solid var(--idle);
}
.key.good::before { border-color: var(--good); } .key.warn::before { border-color: var(--warn); }
.key.bad::before { border-color: var(--bad); } .key.none::before { border-top: 2px dotted var(--idle); }
.key.width::before { display: none; }
@media (max-width: 700px) {
  main { padding: 16px; gap: 16px; }
  section { padding: 16px; }
  .facts { margin-left: 0; }
  svg.wide { max-width: none; min-width: 560px; }
  td[colspan] { white-space: normal; }
  .package { display: none; }
  th, td { padding-left: 12px; }
  table th:first-child { position: sticky; left: 0; background: var(--surface); padding-right: 8px; }
  #calls-table i::after, #backends-table i::after { content: "\\A"; white-space: pre; }
}
`;
