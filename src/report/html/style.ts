import { Html } from './escape.ts';

const CSS = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1d1f21;--soft:#5b6167;--line:#d9dcdf;--wash:#f5f6f7;--band:#eceff1;
--keep:#0b6e4f;--near:#a15c00;--open:#2f6690;--gray:#9aa1a8;--hack:#8a2c9e;--fail:#b3261e;--add:#e4f3ea;--del:#fbe9e7;--warn:#fff4d6;--warnline:#d9a400}
@media (prefers-color-scheme:dark){:root{--paper:#15181b;--ink:#e4e6e8;--soft:#a0a7ae;--line:#353b41;--wash:#1d2125;--band:#23292e;
--keep:#4fc29a;--near:#e0a44c;--open:#7db4dd;--gray:#737b83;--hack:#cf8be0;--fail:#f08a80;--add:#17352a;--del:#3d211f;--warn:#352c12;--warnline:#8f7115}}
*{box-sizing:border-box}
a{color:inherit;text-decoration-color:var(--gray);text-underline-offset:3px}
tr:target>*{background:var(--wash)}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 Charter,"Bitstream Charter","Source Serif 4",Georgia,"DejaVu Serif",serif}
main,footer{max-width:928px;margin:0 auto;padding:0 24px}
main{padding-top:40px}
h1{font-size:32px;line-height:1.2;margin:0 0 4px;font-weight:600;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:21px;line-height:1.3;margin:52px 0 10px;padding-top:14px;border-top:1px solid var(--line);font-weight:600}
p{margin:0 0 12px;max-width:70ch;overflow-wrap:anywhere}
.kicker,table,.facts,figcaption,svg text,.legend,summary,footer,.tag,.note{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.kicker{color:var(--soft);font-size:14px;margin:0 0 20px}
.lead{font-size:20px;line-height:1.45}
.lead b,.num,td.num,th.num,svg text{font-variant-numeric:tabular-nums lining-nums}
.note{font-size:14px;background:var(--warn);border-left:3px solid var(--warnline);padding:8px 12px;max-width:none}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;font-size:14px;line-height:1.45;margin:18px 0 0}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
figure{margin:18px 0 8px}
figure svg{display:block;width:100%;height:auto}
svg.narrow{display:none}
figcaption{font-size:13.5px;line-height:1.5;color:var(--soft);margin-top:8px;max-width:90ch}
svg text{font-size:12px;fill:var(--soft)}
svg .strong{fill:var(--ink);font-weight:600}
svg text.halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}
.zero{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}
.band{fill:var(--band)}
.path{fill:none;stroke:var(--keep);stroke-width:2;stroke-linejoin:round}
.mark{stroke:var(--paper);stroke-width:1}
.mark.keep{fill:var(--keep)}.mark.fallen{fill:var(--paper);stroke:var(--hack);stroke-width:1.8}.mark.near-miss{fill:var(--near)}.mark.discard{fill:var(--gray)}.mark.suspected-hack{fill:var(--hack)}
.mark.inconclusive{fill:var(--paper);stroke:var(--open);stroke-width:1.6}.mark.open{fill:var(--open)}
.mark.failed{fill:none;stroke:var(--fail);stroke-width:1.8}
.bar{fill:var(--keep)}.bar.measured{fill:var(--open)}.bar.loss{fill:var(--fail)}
.whisker{stroke:var(--ink);stroke-width:1.4;fill:none}.link{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.range{stroke:var(--gray);stroke-width:5;stroke-linecap:butt;opacity:.55}
.held{fill:var(--keep)}.missed{fill:var(--fail)}.dot{stroke:var(--paper);stroke-width:1}
.s0{fill:#7a8690}.s1{fill:#4e86b4}.s2{fill:#0b6e4f}.s3{fill:#a15c00}.s4{fill:#8a5a9e}.s5{fill:#b3495f}.s6{fill:#3d8b8b}
.swatch{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:7px;vertical-align:-1px}
svg.swatch{width:11px;height:11px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;margin:6px 0 0;font-size:13px;color:var(--soft)}
figure .legend svg{display:inline;width:14px;height:14px;margin-right:5px;vertical-align:-3px}
table{border-collapse:collapse;font-size:14px;line-height:1.4;margin:12px 0}
table.full{width:100%}
caption{text-align:left;color:var(--soft);padding-bottom:6px}
th{font-weight:600;text-align:left}
thead th{font-weight:500;color:var(--soft);border-bottom:1px solid var(--soft);vertical-align:bottom;white-space:nowrap}
th,td{padding:6px 14px 6px 0;vertical-align:top;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
td.num,th.num{text-align:right;white-space:nowrap}
td.text{overflow-wrap:anywhere;min-width:12ch}
tr.head>*{border-bottom:0}
tr.more td{padding-top:0}
tr.more p{font-size:14px;margin:6px 0;max-width:none}
.tag,tbody th{white-space:nowrap}
.tag.keep{color:var(--keep);font-weight:600}.tag.near-miss{color:var(--near)}.tag.discard{color:var(--soft)}.tag.suspected-hack{color:var(--hack);font-weight:600}
.tag.fallen{color:var(--hack);font-weight:600}
.tag.failed{color:var(--fail)}.tag.open,.tag.inconclusive{color:var(--open)}
.scroll{overflow-x:auto}
details summary{cursor:pointer;color:var(--soft);font-size:13px;width:max-content;max-width:100%}
pre{background:var(--wash);border:1px solid var(--line);border-radius:4px;padding:10px 12px;font:12.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow:auto;max-height:520px;contain:inline-size;margin:8px 0;tab-size:4}
pre .add{background:var(--add);display:block}pre .del{background:var(--del);display:block}pre .hunk{color:var(--open)}
code{font:.86em ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:13px;margin-top:56px;padding-bottom:40px}
footer p{border-top:1px solid var(--line);padding-top:12px;max-width:none}
@media (max-width:640px){body{font-size:16px}main,footer{padding-left:16px;padding-right:16px}main{padding-top:24px}h1{font-size:25px}h2{margin-top:40px}.lead{font-size:18px}
svg.narrow{display:block}svg.wide{display:none}.wide-only{display:none}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:8px}th,td{padding-right:10px}}
@media print{main,footer{max-width:none}h2{break-after:avoid}figure,tr{break-inside:avoid}details:not([open]){display:none}}
`;

export const STYLE = new Html(`<style>${CSS.trim()}</style>`);
