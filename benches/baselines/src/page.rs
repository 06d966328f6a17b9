//! A comparison as one HTML page: inline SVG, no script, no file beside it.

use crate::compare::{Cell, Column, Comparison, number};
use crate::rows::{GROUPS, ROWS, per_delivery};
use cliqueclique_sim::arena::Figures;
use cliqueclique_sim::metrics::Histogram;
use std::fmt::Write;

const STYLE: &str = concat!(
    ":root{--back:#f4f6f8;--card:#fff;--text:#1c2530;--soft:#5b6470;--line:#dfe4ea;--bad:#b3261e;--c0:#2f6fb7;--c1:#7fb3e6;--c2:#d9772b;--c3:#c2453a;--c4:#c7b446}",
    "@media(prefers-color-scheme:dark){:root{--back:#12161b;--card:#1b2027;--text:#e6eaef;--soft:#9aa5b1;--line:#2d353f;--bad:#ff8a80;--c0:#5b9be0;--c1:#a9cdf2;--c2:#ec9350;--c3:#e5736a;--c4:#d8c85e}}",
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}main{max-width:1080px;margin:0 auto;padding:16px}",
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px;margin:0 0 16px}h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.1rem;margin:0 0 8px}p{margin:0 0 8px}",
    ".soft{color:var(--soft);font-size:.875rem}.bad{color:var(--bad);font-weight:600}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}",
    "th,td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}th:first-child,td:first-child{text-align:left;white-space:normal;min-width:180px}",
    "td i{font-style:normal;color:var(--soft)}td.bad i{color:var(--bad)}svg{display:block;width:100%;height:auto;max-width:720px}svg text{font:12px system-ui,sans-serif;fill:var(--text)}svg .soft{fill:var(--soft)}",
    ".c0{fill:var(--c0);background:var(--c0)}.c1{fill:var(--c1);background:var(--c1)}.c2{fill:var(--c2);background:var(--c2)}.c3{fill:var(--c3);background:var(--c3)}.c4{fill:var(--c4);background:var(--c4)}",
    ".key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin:0 .4em 0 1em}code{font:13px ui-monospace,monospace}",
);

/// Where bars begin and how long the longest is, of 720 units.
const LEFT: f64 = 110.0;
const LONGEST: f64 = 500.0;
/// Height of a bar with its gap.
const LANE: f64 = 26.0;

/// The page.
#[must_use]
pub fn write(comparison: &Comparison) -> String {
    let title = escape(&comparison.title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<section><h1>{title}</h1><p class=\"soft\">Same scenario, seed, network, users and faults in every column. \
         Run again: <code>{}</code></p>{}</section>\n",
        escape(&comparison.command),
        names(&comparison.columns)
    );
    page.push_str(&pictures(comparison));
    page.push_str(&table(comparison));
    page.push_str(&worse(comparison));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn names(columns: &[Column]) -> String {
    let mut list = String::from("<ul>");
    for column in columns {
        let said = match &column.figures {
            Ok(_) => escape(column.about),
            Err(error) => format!("<span class=\"bad\">no figures: {}</span>", escape(error)),
        };
        let _ = write!(list, "<li><b>{}</b>: {said}</li>", escape(&column.name));
    }
    list + "</ul>"
}

fn table(comparison: &Comparison) -> String {
    let heads: String = comparison
        .columns
        .iter()
        .map(|column| format!("<th>{}</th>", escape(&column.name)))
        .collect();
    let mut html = format!(
        "<section><h2>All figures</h2><div class=\"scroll\"><table><tr><th></th>{heads}</tr>\n"
    );
    for row in &ROWS {
        if let Some(cells) = comparison.cells(row) {
            let cells: String = cells.iter().map(cell).collect();
            let _ = writeln!(html, "<tr><td>{}</td>{cells}</tr>", escape(row.name));
        }
    }
    html + "</table></div><p class=\"soft\">Below each figure: times ours. Red: ours is worse.</p></section>\n"
}

fn cell(cell: &Cell) -> String {
    let class = if cell.worse { " class=\"bad\"" } else { "" };
    let ratio = cell
        .ratio
        .map_or(String::new(), |ratio| format!("<br><i>{ratio:.2}×</i>"));
    format!("<td{class}>{}{ratio}</td>", number(cell.value))
}

fn worse(comparison: &Comparison) -> String {
    let lines: String = comparison
        .worse()
        .iter()
        .map(|line| format!("<li>{}</li>", escape(line)))
        .collect();
    format!("<section><h2>Where ours is worse</h2><ul>{lines}</ul></section>\n")
}

/// Columns that have figures.
fn ran(comparison: &Comparison) -> Vec<(&str, &Figures)> {
    let columns = comparison.columns.iter();
    let ran =
        columns.filter_map(|column| Some((column.name.as_str(), column.figures.as_ref().ok()?)));
    ran.collect()
}

fn pictures(comparison: &Comparison) -> String {
    let ran = ran(comparison);
    let bytes = ran.iter().map(|(name, figures)| {
        let parts = (0..GROUPS.len()).map(|group| per_delivery(figures, group).unwrap_or(0.0));
        (*name, parts.collect())
    });
    let delays = ran
        .iter()
        .map(|(name, figures)| (*name, steps(&figures.metrics.delay_ms)));
    let legend: String = (0..GROUPS.len())
        .map(|group| format!("<span class=\"key c{group}\"></span>{}", GROUPS[group].0))
        .collect();
    format!(
        "<section><h2>Bytes per delivered comment</h2>{}<p class=\"soft\">{legend}</p></section>\n\
         <section><h2>Delivery time, ms</h2>{}<p class=\"soft\"><span class=\"key c0\"></span>median\
         <span class=\"key c1\"></span>90 %<span class=\"key c2\"></span>99 %</p></section>\n{}",
        bars("Bytes per delivered comment", &bytes.collect::<Vec<_>>()),
        bars("Delivery time", &delays.collect::<Vec<_>>()),
        spreads(&ran)
    )
}

/// Median, and what is on top of it up to 90 and 99 %.
#[allow(clippy::cast_precision_loss, reason = "pictures")]
fn steps(delays: &Histogram) -> Vec<f64> {
    let [half, most, nearly] = [0.5, 0.9, 0.99].map(|q| delays.quantile(q) as f64);
    vec![half, most - half, nearly - most]
}

/// Horizontal bars, each a row of parts.
#[allow(clippy::cast_precision_loss, reason = "pictures")]
fn bars(title: &str, lanes: &[(&str, Vec<f64>)]) -> String {
    let total = |parts: &Vec<f64>| parts.iter().sum::<f64>();
    let most = lanes
        .iter()
        .map(|(_, parts)| total(parts))
        .fold(1e-9, f64::max);
    let height = LANE * lanes.len() as f64 + 4.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 720 {height:.0}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for (at, (name, parts)) in lanes.iter().enumerate() {
        let y = LANE * at as f64 + 2.0;
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 16.0,
            escape(name)
        );
        let mut x = LEFT;
        for (part, value) in parts.iter().enumerate() {
            let width = LONGEST * value / most;
            let _ = write!(
                svg,
                "<rect class=\"c{part}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"20\"><title>{value:.1}</title></rect>"
            );
            x += width;
        }
        let _ = write!(
            svg,
            "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 6.0,
            y + 16.0,
            number(Some(total(parts)))
        );
    }
    svg + "</svg>"
}

/// Distributions of neighbours and of branching, where they were measured.
fn spreads(ran: &[(&str, &Figures)]) -> String {
    let mut html = String::new();
    for (heading, part) in [
        (
            "Neighbours per (node, network)",
            (|f| &f.metrics.degree) as fn(&Figures) -> &Histogram,
        ),
        (
            "Branching: nodes that a node is the first to give a comment to",
            |f| &f.branching,
        ),
        ("Hops of deliveries", |f| &f.metrics.hops),
    ] {
        let _ = write!(html, "<section><h2>{heading}</h2>");
        for (name, figures) in ran {
            let histogram = part(figures);
            if histogram.count() > 0 {
                let _ = write!(
                    html,
                    "<p class=\"soft\">{}</p>{}",
                    escape(name),
                    spread(heading, histogram)
                );
            }
        }
        html.push_str("</section>\n");
    }
    html
}

/// Shares by value, of at most so many values; the rest is in the last one.
const VALUES: usize = 24;

#[allow(clippy::cast_precision_loss, reason = "pictures")]
fn spread(title: &str, histogram: &Histogram) -> String {
    let mut counts: Vec<(String, u64)> = Vec::new();
    for (value, count) in histogram.buckets() {
        match counts.last_mut() {
            Some(last) if counts_full(histogram, value) => {
                last.0 = format!("up to {value}");
                last.1 += count;
            }
            Some(_) | None => counts.push((value.to_string(), count)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1) as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 720 70\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for (at, (value, count)) in counts.iter().enumerate() {
        let (x, height) = (at as f64 * 29.0 + 4.0, 48.0 * *count as f64 / most);
        let percent = 100.0 * *count as f64 / histogram.count() as f64;
        let _ = write!(
            svg,
            "<rect class=\"c0\" x=\"{x:.0}\" y=\"{:.1}\" width=\"24\" height=\"{height:.1}\"><title>{value}: {percent:.1} %</title></rect>\
             <text class=\"soft\" x=\"{:.0}\" y=\"66\" text-anchor=\"middle\">{value}</text>",
            52.0 - height,
            x + 12.0
        );
    }
    svg + "</svg>"
}

/// True if a value comes after the first [`VALUES`].
fn counts_full(histogram: &Histogram, value: u64) -> bool {
    histogram
        .buckets()
        .take_while(|(lower, _)| *lower < value)
        .count()
        >= VALUES
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
