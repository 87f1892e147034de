"""How the page of a profile looks, by day and by night."""

from __future__ import annotations

MARK = '<meta name="generator" content="segkit profile">'
"""Stands near the beginning of every page: such a file may be replaced by a newer one."""

CSS = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1c2330; --soft: #5c6675;
  --line: #dde1e7; --bar: #3f7fbf; --median: #c2410c; --accent: #b42318; --good: #18794e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --card: #1d2229; --ink: #e6e9ee;
  --soft: #9aa4b2; --line: #323945; --bar: #5b9bd9; --median: #f59e6b; --accent: #ff8a80;
  --good: #5fd39a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 40px 0 2px; }
h2 em { font-style: normal; color: var(--accent); margin-left: 6px; }
h3 { font-size: 15px; margin: 22px 0 6px; color: var(--soft); }
a { color: inherit; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 18px; color: var(--soft); }
.tiles b { display: block; font-size: 24px; line-height: 1.25; color: var(--ink);
  font-variant-numeric: tabular-nums; }
.verdict { list-style: none; display: flex; flex-wrap: wrap; gap: 8px; padding: 0; margin: 18px 0; }
.verdict a { display: block; text-decoration: none; border: 1px solid var(--line);
  border-radius: 999px; padding: 3px 13px; background: var(--card); }
.verdict b { color: var(--accent); }
.good { color: var(--good); font-weight: 600; font-size: 17px; }
.meaning { color: var(--soft); margin: 0 0 12px; }
details { color: var(--soft); margin: 14px 0; }
.cards { display: flex; flex-wrap: wrap; gap: 14px; align-items: stretch; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px; width: 216px; }
.card.pair { width: 418px; }
.card p { margin: 8px 0 0; font-size: 13px; overflow-wrap: anywhere; }
.figures { display: flex; gap: 10px; }
.card figure { margin: 0; flex: 1 1 0; min-width: 0; }
.card img, .missing { display: block; width: 100%; height: 150px; object-fit: contain;
  background: var(--ground); border-radius: 6px; }
.missing { display: grid; place-items: center; color: var(--soft); font-size: 13px; }
.card figcaption { font-size: 13px; font-weight: 600; margin-top: 5px; overflow-wrap: anywhere; }
.names { border-collapse: collapse; margin-top: 12px; font-size: 13px; width: 100%; }
.names th { text-align: left; font-weight: 600; padding: 3px 16px 3px 0; vertical-align: top;
  overflow-wrap: anywhere; width: 32%; }
.names td { padding: 3px 0; overflow-wrap: anywhere; }
.names tr + tr > * { border-top: 1px solid var(--line); }
.bar-table { width: 100%; border-collapse: collapse; font-size: 14px; }
.bar-table th { font-weight: 500; text-align: left; width: 150px; max-width: 150px;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 3px 12px 3px 0; }
.bars { padding: 3px 12px 3px 0; }
.bars span { display: block; height: 14px; min-width: 2px; border-radius: 3px;
  background: var(--bar); box-shadow: inset 0 0 0 1px rgba(128, 128, 128, .45); }
.num { width: 44%; color: var(--soft); font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 14px;
  margin-top: 24px; }
.plots figure { margin: 0; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 10px 12px; }
.plots figcaption { font-weight: 600; margin-bottom: 4px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--soft); }
svg .mid { fill: var(--median); }
svg .bar { fill: var(--bar); }
svg .axis { stroke: var(--line); }
svg .median { stroke: var(--median); stroke-dasharray: 3 2; }
svg.heat { border-radius: 6px; max-width: 230px; margin: 0 auto; }
.scale { font-size: 12px; color: var(--soft); text-align: center; margin-top: 8px; }
.scale i { display: inline-block; width: 70px; height: 9px; border-radius: 2px; margin-right: 8px;
  background: linear-gradient(90deg, #0d1030, #481c6d, #a03060, #e76f34, #fcde78); }
.none, footer { color: var(--soft); font-size: 13px; }
footer { margin-top: 44px; border-top: 1px solid var(--line); padding-top: 12px; }
@media print { .card, figure { break-inside: avoid; } }
"""
