//! Figures side by side: the median of all runs, the smallest and the largest, and by how much the
//! bridge is better, from run to run.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;

use crate::trial::Measured;

/// Which way is good.
#[derive(Clone, Copy)]
enum Good {
    More,
    Less,
}

/// A row of the report: name, unit, which way is good, and how to read it off a run.
type Row = (&'static str, &'static str, Good, fn(&Measured) -> f64);

const ROWS: &[Row] = &[
    ("webhooks acknowledged", "/s", Good::More, |m| m.acknowledged),
    ("  and posted to Slack", "/s", Good::More, |m| m.delivered),
    ("processor time per message", "µs", Good::Less, |m| m.processor_time.as_secs_f64() * 1e6),
    ("delay Blip → Slack, p50", "ms", Good::Less, |m| percentile(&m.to_slack, 50)),
    ("delay Blip → Slack, p95", "ms", Good::Less, |m| percentile(&m.to_slack, 95)),
    ("delay Blip → Slack, p99", "ms", Good::Less, |m| percentile(&m.to_slack, 99)),
    ("delay Slack → Blip, p50", "ms", Good::Less, |m| percentile(&m.to_blip, 50)),
    ("delay Slack → Blip, p95", "ms", Good::Less, |m| percentile(&m.to_blip, 95)),
    ("delay Slack → Blip, p99", "ms", Good::Less, |m| percentile(&m.to_blip, 99)),
    ("memory after the start", "MiB", Good::Less, |m| mib(m.idle)),
    ("memory, peak under load", "MiB", Good::Less, |m| mib(m.peak)),
    ("start until ready", "ms", Good::Less, |m| m.start_up.as_secs_f64() * 1e3),
    ("calls to platforms, burst", "/msg", Good::Less, |m| m.load_calls),
    ("  and one by one", "/msg", Good::Less, |m| m.single_calls),
    ("write calls, burst", "/msg", Good::Less, |m| m.load_writes),
    ("write calls, one by one", "/msg", Good::Less, |m| m.single_writes),
    ("written, one by one", "KiB/msg", Good::Less, |m| m.single_bytes / 1024.0),
    ("transactions of the server", "/msg", Good::Less, |m| m.transactions),
    ("log of the server", "KiB/msg", Good::Less, |m| m.log_bytes / 1024.0),
    ("pwrite64, one by one", "/msg", Good::Less, |m| system_calls(m, "pwrite64")),
    ("fdatasync, one by one", "/msg", Good::Less, |m| system_calls(m, "fdatasync")),
    ("fcntl, one by one", "/msg", Good::Less, |m| system_calls(m, "fcntl")),
    ("futex, one by one", "/msg", Good::Less, |m| system_calls(m, "futex")),
    ("all system calls", "/msg", Good::Less, |m| system_calls(m, "total")),
];

/// Two that are compared, by their names; the runs of both are in the order in which they took turns.
pub fn table(
    (one, ours): (&str, &[Measured]),
    (other, bolts): (&str, &[Measured]),
) -> Result<String> {
    let mut table = format!(
        "{:<28}{one:>26}{other:>26}{:>26}\n",
        "median (smallest to largest)", "the first is better by"
    );
    for (name, unit, good, read) in ROWS {
        let (ours, bolts) = (ours.iter().map(read), bolts.iter().map(read));
        if ours.clone().chain(bolts.clone()).all(|value| value == 0.0) {
            // A file has no server.
            continue;
        }
        let factor = |(ours, bolt): (f64, f64)| match good {
            Good::More => ours / bolt,
            Good::Less => bolt / ours,
        };
        let factors = ours.clone().zip(bolts.clone()).map(factor);
        let name = format!("{name} [{unit}]");
        let (ours, bolts, factors) = (spread(ours), spread(bolts), spread(factors));
        writeln!(table, "{name:<28}{ours:>26}{bolts:>26}{:>26}", format!("× {factors}"))?;
    }
    Ok(table)
}

/// By how much the first is better in each row, as a picture: a bar to the right where it is, one to the
/// left where it is not, each as long as the logarithm of the factor.
pub fn picture(
    (one, ours): (&str, &[Measured]),
    (other, bolts): (&str, &[Measured]),
) -> Result<String> {
    const MIDDLE: f64 = 480.0;
    const ROW: f64 = 24.0;
    /// How far twice as good reaches.
    const TWICE: f64 = 36.0;
    let mut rows = String::new();
    let mut y = 2.0 * ROW;
    for (name, unit, good, read) in ROWS {
        let factors =
            ours.iter().map(read).zip(bolts.iter().map(read)).map(|(ours, bolt)| match good {
                Good::More => ours / bolt,
                Good::Less => bolt / ours,
            });
        let factor = median(factors);
        if !factor.is_normal() {
            continue;
        }
        let reach = (factor.log2() * TWICE).clamp(-200.0, 320.0);
        let (x, colour) =
            if reach < 0.0 { (MIDDLE + reach, "#c2410c") } else { (MIDDLE, "#15803d") };
        let (width, middle) = (reach.abs().max(1.0), y + ROW * 0.65);
        writeln!(
            rows,
            "<text x=\"10\" y=\"{middle}\">{name} [{unit}]</text>\n\
             <rect x=\"{x:.0}\" y=\"{y}\" width=\"{width:.0}\" height=\"{:.0}\" fill=\"{colour}\"/>\n\
             <text x=\"{:.0}\" y=\"{middle}\">× {}</text>",
            ROW - 6.0,
            x + width + 6.0,
            short(factor),
        )?;
        y += ROW;
    }
    let height = y + ROW;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-weight=\"bold\">{one} beside {other}: by how much it is better \
         (green) or worse</text>\n\
         {rows}<line x1=\"{MIDDLE}\" y1=\"40\" x2=\"{MIDDLE}\" y2=\"{y}\" stroke=\"black\"/>\n</svg>\n"
    ))
}

/// The one in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Median, smallest and largest.
fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    let (first, last) = (values.first().unwrap_or(&f64::NAN), values.last().unwrap_or(&f64::NAN));
    format!("{} ({} to {})", short(middle), short(*first), short(*last))
}

/// How often a message makes this system call, if anybody counted.
fn system_calls(measured: &Measured, name: &str) -> f64 {
    if measured.system_calls.is_empty() {
        return f64::NAN;
    }
    measured.system_calls.get(name).copied().unwrap_or_default()
}

/// Three digits that matter.
fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// A percentile of ascending times, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let time = times.get(times.len() * percent / 100).or(times.last());
    time.map_or(f64::NAN, Duration::as_secs_f64) * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "memory is far smaller than 2⁵³ bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
