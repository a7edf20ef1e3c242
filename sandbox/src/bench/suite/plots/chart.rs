//! How every plot looks.

use anyhow::anyhow;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::super::table::thousands;

const SIZE: (u32, u32) = (960, 540);
const FONT: &str = "sans-serif";
/// Told apart also by those who see no red.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
/// One line of a plot: its name and its points.
pub(super) type Line = (String, Vec<(f64, f64)>);

/// What all plots have.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// Of a place on the x axis.
    pub(super) label: &'a dyn Fn(&f64) -> String,
    pub(super) ticks: usize,
}

impl Plot<'_> {
    /// `None` without a line of two points. `axes` makes the axes of the ranges that hold all points.
    pub(super) fn draw<X, Y>(
        &self,
        lines: Vec<Line>,
        axes: impl FnOnce(std::ops::Range<f64>, std::ops::Range<f64>) -> (X, Y),
    ) -> anyhow::Result<Option<String>>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let lines: Vec<_> = lines.into_iter().filter(|(_, points)| points.len() > 1).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let all = || lines.iter().flat_map(|(_, points)| points);
        let (x, y) = axes(range(all().map(|(x, _)| *x), 1.0), range(all().map(|(_, y)| *y), 1.25));
        let mut svg = String::new();
        self.chart(&mut svg, &lines, x, y).map_err(|error| anyhow!("{}: {error}", self.title))?;
        Ok(Some(svg))
    }

    fn chart<X, Y>(
        &self,
        svg: &mut String,
        lines: &[Line],
        x: X,
        y: Y,
    ) -> Result<(), Box<dyn std::error::Error>>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, (FONT, 22))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(80)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_labels(self.ticks)
            .x_label_formatter(self.label)
            .y_label_formatter(&|y| if *y < 10.0 { format!("{y:.1}") } else { thousands(*y) })
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 16))
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        for ((name, points), color) in lines.iter().zip(COLORS.into_iter().cycle()) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2))
                });
            let dots = points.iter().map(|point| Circle::new(*point, 4, color.filled()));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(200, 200, 200))
            .label_font((FONT, 14))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// From the least to the most, with some room.
fn range(values: impl Iterator<Item = f64> + Clone, room: f64) -> std::ops::Range<f64> {
    let least = values.clone().min_by(f64::total_cmp).unwrap_or(1.0);
    let most = values.max_by(f64::total_cmp).unwrap_or(1.0);
    least / room..(most * room).max(least + f64::EPSILON)
}
