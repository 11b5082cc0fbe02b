//! The sync over time as a line: drawn here, without a library. The picture stretches to its place; its labels are text of the page,
//! so that they stay readable at any width.

use crate::figures::{DAY_OF_MONTH, HOUR_OF_DAY, local_parts, local_time, number, percent, span};
use crate::words::{figures, node as words};
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::SyncSample;
use leptos::prelude::*;
use leptos::svg;
use std::fmt::Write;

/// Width and height of the picture in its own units.
const SIDE: u64 = 1000;
/// From here on days say more than hours do, in seconds.
const DAYS_FROM: u64 = 3 * 86_400;

/// What is drawn and said.
#[derive(Clone, PartialEq, Eq)]
pub struct Plot {
    line: String,
    area: String,
    from: String,
    to: String,
    summary: String,
    /// The same with its dates, for those who do not see the labels.
    description: String,
}

impl Plot {
    /// `None` where there is nothing that could be seen of a course.
    pub fn of(history: &[SyncSample]) -> Option<Self> {
        let (SyncSample(start, low), SyncSample(end, high)) = (*history.first()?, *history.last()?);
        let width = end.checked_sub(start).filter(|width| *width > 0)?;
        let mut line = String::new();
        for (at, SyncSample(time, ppm)) in history.iter().enumerate() {
            let x = time.saturating_sub(start).saturating_mul(SIDE) / width;
            let y = SIDE - u64::from(*ppm).min(1_000_000) / SIDE;
            // Writing to a String cannot fail.
            let _ = write!(line, "{}{x} {y}", if at == 0 { 'M' } else { 'L' });
        }
        let at = |seconds: u64| UnixMillis(seconds.saturating_mul(1000));
        let parts = if width < DAYS_FROM {
            HOUR_OF_DAY
        } else {
            DAY_OF_MONTH
        };
        Some(Self {
            area: format!("{line}V{SIDE}H0Z"),
            line,
            from: local_parts(at(start), parts),
            to: local_parts(at(end), parts),
            summary: words::plot_summary(&percent(low), &percent(high), &span(width)),
            description: words::plot_description(
                &percent(low),
                &local_time(at(start)),
                &percent(high),
                &local_time(at(end)),
            ),
        })
    }

    /// Draws it.
    pub fn view(self) -> AnyView {
        let share = |of_hundred| figures::percent(&number(of_hundred));
        // Written out: as a tag it would be the title of a page, which names no picture.
        let title = svg::title().id("plot-title").child(words::plot_title());
        view! {
            // Time runs from left to right in every language.
            <figure class="plot" dir="ltr">
                <div class="y-labels" aria-hidden="true"><span>{share(100)}</span><span>{share(50)}</span><span>{share(0)}</span></div>
                <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-labelledby="plot-title plot-desc">
                    {title}
                    <desc id="plot-desc">{self.description}</desc>
                    <path class="grid" d="M0 0H1000M0 500H1000M0 1000H1000"></path>
                    <path class="area" d=self.area></path>
                    <path class="line" d=self.line></path>
                </svg>
                <div class="x-labels" aria-hidden="true"><span>{self.from}</span><span>{self.to}</span></div>
                <figcaption dir="auto">{self.summary}</figcaption>
            </figure>
        }
        .into_any()
    }
}
