//! Building stones of charts: a frame with axes, and the scale of its values.
//!
//! Charts are 360 units wide, so that their letters can still be read where the
//! page is only 320 pixels wide.

use std::fmt::Write;

/// Width of every chart.
pub(super) const WIDTH: f64 = 360.0;
/// Height of every chart.
pub(super) const HEIGHT: f64 = 190.0;
/// Where the drawing area begins and ends.
pub(super) const LEFT: f64 = 46.0;
/// See [`LEFT`].
pub(super) const RIGHT: f64 = 354.0;
/// See [`LEFT`].
pub(super) const TOP: f64 = 10.0;
/// See [`LEFT`].
pub(super) const BOTTOM: f64 = 164.0;

/// A chart in the making.
#[derive(Debug)]
pub(super) struct Plot {
    svg: String,
    top: f64,
}

impl Plot {
    /// An empty frame whose vertical axis runs from zero to at least `most`.
    pub(super) fn new(title: &str, most: f64, label: impl Fn(f64) -> String) -> Self {
        let step = step(most);
        let steps = (most / step).ceil().max(1.0);
        let mut plot = Self {
            svg: String::new(),
            top: step * steps,
        };
        let _ = write!(
            plot.svg,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            super::words::escape(title)
        );
        let mut value = 0.0;
        while value <= plot.top * 1.001 {
            let y = plot.y(value);
            let _ = write!(
                plot.svg,
                "<line class=\"axl\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"ax\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 5.0,
                y + 4.0,
                label(value)
            );
            value += step;
        }
        plot
    }

    /// Height at which a value is drawn.
    pub(super) fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top)
    }

    /// A bar from zero to `value`, with a text that shows when it is pointed at.
    pub(super) fn bar(&mut self, x: f64, width: f64, value: f64, title: &str) {
        let y = self.y(value);
        let _ = write!(
            self.svg,
            "<rect class=\"bar\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{:.2}\"><title>{}</title></rect>",
            BOTTOM - y,
            super::words::escape(title)
        );
    }

    /// A text below the horizontal axis.
    pub(super) fn below(&mut self, x: f64, text: &str) {
        let anchor = if x < LEFT + 12.0 {
            "start"
        } else if x > RIGHT - 12.0 {
            "end"
        } else {
            "middle"
        };
        let _ = write!(
            self.svg,
            "<text class=\"ax\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            BOTTOM + 15.0,
            super::words::escape(text)
        );
    }

    /// A line through points (x, value).
    pub(super) fn line(&mut self, points: &[(f64, f64)]) {
        let path = self.path(points.iter().copied());
        let _ = write!(self.svg, "<path class=\"ln\" d=\"M{path}\"/>");
    }

    /// The area between two lines over the same x, in the colour of a series.
    pub(super) fn area(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let upper = self.path(points.iter().map(|(x, _, high)| (*x, *high)));
        let lower = self.path(points.iter().rev().map(|(x, low, _)| (*x, *low)));
        let _ = write!(
            self.svg,
            "<path class=\"{class}\" d=\"M{upper}L{lower}Z\"/>"
        );
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let texts: Vec<_> = points
            .map(|(x, value)| format!("{x:.1} {:.1}", self.y(value)))
            .collect();
        texts.join("L")
    }

    /// The finished chart.
    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// A chart with a heading and a line of explanation below.
pub(super) fn figure(heading: &str, svg: &str, caption: &str) -> String {
    format!("<figure><h3>{heading}</h3>{svg}<figcaption>{caption}</figcaption></figure>\n")
}

/// A distance between lines of 1, 2 or 5 times a power of ten that gives about four of them.
fn step(most: f64) -> f64 {
    if most.is_nan() || most <= 0.0 {
        return 1.0;
    }
    let rough = most / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (most, expected) in [
            (4.0, 1.0),
            (5.0, 2.0),
            (19.0, 5.0),
            (21.0, 10.0),
            (1.0, 0.5),
            (0.0, 1.0),
        ] {
            assert!(
                (step(most) - expected).abs() < 1e-9,
                "{most} gives {}",
                step(most)
            );
        }
    }

    #[test]
    fn values_are_drawn_to_scale() {
        let plot = Plot::new("t", 8.0, |value| value.to_string());
        assert!((plot.y(0.0) - BOTTOM).abs() < 1e-9);
        assert!((plot.y(8.0) - TOP).abs() < 1e-9);
        assert!((plot.y(4.0) - f64::midpoint(TOP, BOTTOM)).abs() < 1e-9);
    }
}
