// How the page looks, beyond what all pages have.
#ifndef PREFIQS_EVAL_PAGE_STYLE_H_
#define PREFIQS_EVAL_PAGE_STYLE_H_

#include <string_view>

namespace prefiqs::eval_page {

// Okabe and Ito's colours, told apart by most eyes, and brighter ones on dark; the floor is grey.
inline constexpr std::string_view kStyle = R"(
:root { --p0: #0072b2; --p1: #d55e00; --p2: #009e73; --p3: #cc79a7; --p4: #e69f00; --p5: #56b4e9; --p6: #1b1f24; --floor: #8b949c; }
@media (prefers-color-scheme: dark) { :root { --p0: #4da3dc; --p1: #f07b35; --p2: #2cc498; --p3: #e09cc3; --p4: #f2b33d; --p5: #9ad4f6; --p6: #e6e8ea; } }
[hidden] { display: none !important; } h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; } h4 { font-size: .9rem; margin: 1.1rem 0 .5rem; color: var(--soft); font-weight: 600; } section > p { margin: 0 0 .6rem; color: var(--soft); font-size: .9rem; }
.stats { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; margin: 1.4rem 0; } .stats div { display: flex; flex-direction: column-reverse; } .stats dt { color: var(--soft); font-size: .8rem; } .stats dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.2; } .stats small { font-size: .85rem; font-weight: 400; color: var(--soft); }
.swatch { display: inline-block; width: 1.5rem; height: 0; border-top: 3px var(--t, solid) var(--c); margin-right: .5rem; vertical-align: .26em; }
.controls { display: none; flex-wrap: wrap; gap: .5rem 1rem; margin: .8rem 0; } .js .controls { display: flex; }
.buttons { display: inline-flex; flex-wrap: wrap; border: 1px solid var(--line); border-radius: 7px; overflow: hidden; background: var(--tile); }
button { font: inherit; font-size: .85rem; color: inherit; background: none; border: 0; padding: .3rem .7rem; cursor: pointer; white-space: nowrap; } .buttons button + button { border-left: 1px solid var(--line); }
.buttons button[aria-pressed=true] { background: color-mix(in srgb, var(--mark) 16%, transparent); font-weight: 600; } button:hover { background: color-mix(in srgb, var(--mark) 8%, transparent); } :focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.panel { margin: 0 0 1.6rem; background: var(--tile); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem .6rem; break-inside: avoid; } .panel figcaption { font-size: .85rem; color: var(--soft); margin-bottom: .4rem; } .panel figcaption b { color: var(--ink); margin-right: .5rem; }
.chart { display: block; width: 100%; height: auto; touch-action: pan-y; } .js .chart { cursor: crosshair; } .chart:focus:not(:focus-visible) { outline: none; }
.chart text { fill: var(--soft); font: 13px system-ui, sans-serif; } .chart .name { fill: var(--ink); font-size: 14px; } .chart .note { font-size: 11px; } .grid { stroke: var(--line); fill: none; } .axis { stroke: var(--soft); fill: none; } .until { stroke: var(--soft); stroke-dasharray: 2 4; fill: none; }
.line { fill: none; stroke: var(--c); stroke-width: 2.2; stroke-dasharray: var(--d, none); stroke-linejoin: round; } .band { fill: var(--c); opacity: .09; } .bandless .band { display: none; } .cursor { stroke: var(--ink); opacity: .5; fill: none; } .dot { fill: var(--c); stroke: var(--tile); stroke-width: 1.5; }
.chart .off { display: none; } .line.faint { opacity: .18; } .band.faint { opacity: .02; } tr.off { opacity: .45; }
.wide { overflow-x: auto; } th { font-weight: 400; } thead th { color: var(--soft); font-size: .8rem; white-space: nowrap; } .numbers, .areas, .counts, .legend { font-size: .88rem; }
.legend { width: 100%; margin-top: .3rem; } .legend td, .areas td, .numbers td, .counts td, thead th { text-align: right; white-space: nowrap; } .legend thead th:first-child, .areas thead th:nth-child(-n+3), .areas td:nth-child(-n+2), .counts thead th:first-child, .numbers thead th:first-child, .numbers td:first-child { text-align: left; } td:last-child, th:last-child { padding-right: 0; } .numbers .said { text-align: left; color: var(--soft); }
.legend td, .legend th { padding-top: 0; padding-bottom: 0; border: 0; } .legend thead th { border-bottom: 1px solid var(--line); padding-bottom: .2rem; } .legend button { padding: .15rem .3rem .15rem 0; } .at { color: var(--ink); }
.areas td, .areas th { padding: .12rem 1.1rem .12rem 0; border: 0; white-space: nowrap; } .areas tbody tr:first-child > * { border-top: 1px solid var(--line); padding-top: .4rem; } .areas tbody tr:last-child > * { padding-bottom: .4rem; }
.whisker { width: 160px; height: 16px; vertical-align: middle; } .whisker path { stroke: var(--c); stroke-width: 2; } .whisker circle { fill: var(--c); }
.counts td { padding: .1rem .2rem; } .counts button, .counts td span { border-radius: 5px; font-variant-numeric: tabular-nums; padding: .15rem .5rem; font-size: .85rem; } .js .counts button[aria-pressed=true] { background: color-mix(in srgb, var(--mark) 22%, transparent); font-weight: 600; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); gap: .5rem; } figure { margin: 0; } .faces figcaption, .pair figcaption { font-size: .75rem; color: var(--soft); text-align: center; font-variant-numeric: tabular-nums; }
.face { display: block; width: 100%; aspect-ratio: 1; border-radius: 5px; overflow: hidden; background: var(--line); } .face.none { display: flex; align-items: center; justify-content: center; background: none; border: 1px dashed var(--soft); color: var(--soft); font-size: .65rem; line-height: 1.25; text-align: center; overflow-wrap: anywhere; padding: .2rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.4rem, 1fr)); gap: .8rem; } .pair { background: var(--tile); border: 1px solid var(--line); border-radius: 8px; padding: .45rem; break-inside: avoid; } .pair > div { display: grid; grid-template-columns: 1fr 1fr; gap: .35rem; } .pair p { display: flex; justify-content: space-between; margin: .2rem .1rem 0; font-size: .74rem; font-variant-numeric: tabular-nums; } .pair p span { color: var(--soft); } .pair figure { min-width: 0; } .pair small { display: block; font-size: .65rem; color: var(--soft); text-align: center; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } .pair .worse { color: var(--bad); font-weight: 600; } .pair.gone { opacity: .6; border-style: dashed; }
@media (max-width: 60rem) { .chart { min-width: 36rem; } .panel { overflow-x: auto; } }
@media print { html { font-size: 10px; } h2, h3, h4 { break-after: avoid; } body { font-size: 1rem; } .chart { min-width: 0; } .panel, .wide { overflow: visible; } .js .controls { display: none; } .panel[hidden] { display: block !important; } .areas tbody[hidden] { display: table-row-group !important; } .face, .swatch { print-color-adjust: exact; } })";

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_STYLE_H_
