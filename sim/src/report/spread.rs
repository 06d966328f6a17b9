//! How deliveries, degrees and distances are spread.

use super::histogram::{chart, linear, logarithmic};
use super::plot::figure;
use super::words::{count, figure as number, millis};
use crate::metrics::{Histogram, Metrics};

/// The section; empty if nothing was measured.
pub(super) fn section(metrics: &Metrics) -> String {
    let charts = [
        delay(&metrics.delay_ms),
        whole(
            &metrics.hops,
            "Hops of deliveries",
            "hops from the author to each subscriber",
        ),
        whole(
            &metrics.last_hop,
            "Hops of the last delivery",
            "per comment, hops until the last subscriber had it",
        ),
        whole(
            &metrics.degree,
            "Neighbours",
            "neighbours per node and document at the end",
        ),
        whole(
            &metrics.distance,
            "Distance from the overlay root",
            "hops per node and document at the end",
        ),
        whole(
            &metrics.links,
            "Links",
            "links per node at the end, for all documents together",
        ),
    ];
    if charts.iter().all(String::is_empty) {
        return String::new();
    }
    format!(
        "<section><h2>Delivery and shape</h2><div class=\"grid\">{}</div></section>\n",
        charts.concat()
    )
}

fn delay(histogram: &Histogram) -> String {
    if histogram.count() == 0 {
        return String::new();
    }
    let caption = format!(
        "from publication to arrival, logarithmic; half within {}, 99 % within {}, the slowest {}",
        millis(histogram.quantile(0.5)),
        millis(histogram.quantile(0.99)),
        millis(histogram.max())
    );
    figure(
        "Delay of deliveries",
        &chart("Delay of deliveries", &logarithmic(histogram), millis),
        &caption,
    )
}

fn whole(histogram: &Histogram, heading: &str, what: &str) -> String {
    if histogram.count() == 0 {
        return String::new();
    }
    let caption = format!(
        "{what}; mean {}, most {}",
        number(histogram.mean()),
        count(histogram.max())
    );
    figure(
        heading,
        &chart(heading, &linear(histogram), count),
        &caption,
    )
}
