//! Colours and measures of the page and of the drawings in it.

/// Colours of overlay drawings, for the page and for drawings that stand alone.
const OVERLAY: &str = "
.ov .tree{stroke:var(--ov-tree);stroke-width:1.8;fill:none;stroke-linecap:round}
.ov .cross{stroke:var(--ov-cross);stroke-width:.7;fill:none}
.ov .ring{stroke:var(--ov-ring);stroke-width:.7;stroke-dasharray:2 4;fill:none}
.ov .sub{fill:var(--ov-sub);stroke:var(--ov-back);stroke-width:1}
.ov .hold{fill:var(--ov-back);stroke:var(--ov-sub);stroke-width:1.6}
.ov .root{fill:var(--ov-root);stroke:var(--ov-back);stroke-width:1.2}
.ov .halo{fill:none;stroke:var(--ov-root);stroke-width:1.6}
.ov .cold{fill:var(--ov-cold);stroke:var(--ov-back);stroke-width:1}
.ov .mark{fill:none;stroke:var(--ov-mark);stroke-width:2}
.ov .name{font-weight:700;fill:var(--ov-mark);paint-order:stroke;stroke:var(--ov-back);stroke-width:3}
.ov text{font:11px system-ui,sans-serif;fill:var(--ov-text)}
";

/// The colours in light and in dark.
const OVERLAY_LIGHT: &str = "--ov-tree:#3b6ea8;--ov-cross:#3b6ea838;--ov-ring:#00000014;--ov-sub:#2f6fb7;--ov-back:#ffffff;--ov-root:#e08a00;--ov-cold:#c2453a;--ov-text:#5b6470;--ov-mark:#b3261e;";
/// As [`OVERLAY_LIGHT`].
const OVERLAY_DARK: &str = "--ov-tree:#6fa8e6;--ov-cross:#6fa8e638;--ov-ring:#ffffff18;--ov-sub:#6fa8e6;--ov-back:#1b2027;--ov-root:#f5b041;--ov-cold:#e5736a;--ov-text:#9aa5b1;--ov-mark:#ff8a80;";

/// Classes for series, in the order of [`crate::metrics::CostKind`].
pub(super) const SERIES: [&str; 9] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];

/// The style sheet of the page.
pub(super) fn page() -> String {
    format!("{PAGE}{SCENE}{}", overlay())
}

/// The style sheet of a drawing that stands alone.
pub(super) fn overlay() -> String {
    format!(
        ":root{{{OVERLAY_LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{OVERLAY_DARK}}}}}{OVERLAY}"
    )
}

/// Space-time diagrams.
const SCENE: &str = concat!(
    ".st text{font:11px system-ui,sans-serif;fill:var(--soft);paint-order:stroke;stroke:var(--card);stroke-width:5px;stroke-linejoin:round}",
    ".st .life{stroke:var(--soft);stroke-width:1.4}.st .down{stroke-dasharray:2 5;opacity:.6}.st .who{font-size:13px;font-weight:700;fill:var(--text)}.st .peer{font-size:13px}.st .when{font-variant-numeric:tabular-nums}",
    ".st g path{fill:none;stroke:var(--soft);stroke-width:1.1}.st g .head{fill:var(--soft);stroke:none}.st .named path{stroke:var(--mark);stroke-width:1.6}.st .named .head{fill:var(--mark)}.st .named text,.st text.named{fill:var(--text)}",
    ".st .lost path{stroke:var(--bad)}.st .lost .cross,.st .fell .cross{stroke:var(--bad);stroke-width:2.4}.st .open path{stroke-dasharray:4 3}.st .open circle{fill:var(--card);stroke:var(--soft)}",
    ".st .rose circle{fill:var(--good)}.st .note rect{fill:var(--warn)}.st .fell text{fill:var(--bad);font-weight:700}.st .rose text{fill:var(--good);font-weight:700}.st .note text{fill:var(--warn);font-weight:600}",
    ".st .cut{stroke:var(--bad);stroke-width:2}.st .cutl{fill:var(--bad);font-weight:700}.before{margin-top:14px}",
);

const PAGE: &str = concat!(
    ":root{--back:#f4f6f8;--card:#ffffff;--text:#1c2530;--soft:#5b6470;--line:#dfe4ea;--good:#1d7f4a;--bad:#b3261e;--mark:#2f6fb7;--warn:#8a5a00;",
    "--k0:#2f6fb7;--k1:#7fb3e6;--k2:#8792a2;--k3:#c7b446;--k4:#d9772b;--k5:#3f9c6b;--k6:#9467bd;--k7:#c98bb9;--k8:#c2453a}",
    "@media(prefers-color-scheme:dark){:root{--back:#12161b;--card:#1b2027;--text:#e6eaef;--soft:#9aa5b1;--line:#2d353f;--good:#5fce92;--bad:#ff8a80;--mark:#6fa8e6;--warn:#f5c267;",
    "--k0:#5b9be0;--k1:#a9cdf2;--k2:#8d99a8;--k3:#d8c85e;--k4:#ec9350;--k5:#5cc08b;--k6:#b08ad6;--k7:#dda6cf;--k8:#e5736a}}",
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}",
    "main{max-width:1080px;margin:0 auto;padding:16px}header,section,footer{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px;margin:0 0 16px}",
    "h1{font-size:1.6rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.15rem;margin:0 0 8px}h3{font-size:.95rem;margin:0 0 4px;font-weight:600}p{margin:0 0 8px}",
    ".soft,figcaption{color:var(--soft);font-size:.875rem}.verdict{display:inline-block;border-radius:999px;padding:2px 12px;font-weight:600;border:1.5px solid;margin:6px 0 10px}",
    ".good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.lead{font-size:1.05rem}",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:10px;margin:14px 0 4px}.tile{border:1px solid var(--line);border-radius:10px;padding:8px 12px}",
    ".tile b{display:block;font-size:1.22rem;white-space:nowrap;line-height:1.25;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.82rem;line-height:1.3;display:block}",
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:18px}.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}figure{margin:0;min-width:0}svg{display:block;width:100%;height:auto}",
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}",
    "th{font-weight:600;color:var(--soft)}td.d{min-width:180px}td.n,th.n{text-align:right;white-space:nowrap}tr:last-child td{border-bottom:0}",
    "code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}pre{overflow-x:auto;background:var(--back);border:1px solid var(--line);border-radius:8px;padding:8px 10px;margin:0 0 8px}",
    ".key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.45em;vertical-align:-.02em}details>summary{cursor:pointer;color:var(--mark)}.broken{border-color:var(--bad)}",
    ".ax{font:11px system-ui,sans-serif;fill:var(--soft)}.axl{stroke:var(--line);stroke-width:1}.bar{fill:var(--mark)}.ln{fill:none;stroke:var(--mark);stroke-width:1.8;stroke-linejoin:round}",
    ".k0{fill:var(--k0);background:var(--k0)}.k1{fill:var(--k1);background:var(--k1)}.k2{fill:var(--k2);background:var(--k2)}.k3{fill:var(--k3);background:var(--k3)}.k4{fill:var(--k4);background:var(--k4)}",
    ".k5{fill:var(--k5);background:var(--k5)}.k6{fill:var(--k6);background:var(--k6)}.k7{fill:var(--k7);background:var(--k7)}.k8{fill:var(--k8);background:var(--k8)}",
    ".legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.82rem;color:var(--soft);margin:6px 0}.legend .o{border:1.5px solid var(--ov-sub);border-radius:50%}.legend .f{background:var(--ov-sub);border-radius:50%}",
    ".legend .r{background:var(--ov-root);border-radius:50%}.legend .t{background:var(--ov-tree);height:3px;vertical-align:.2em;width:1.2em}.legend .c{background:var(--ov-cross);height:2px;vertical-align:.25em;width:1.2em}",
);
