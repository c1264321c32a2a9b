//! What was measured, in `CloudWatch`'s embedded metric format: log lines of which the service makes metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

mod series;

use std::{
    collections::BTreeMap,
    env,
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use eventdesk_events::Timestamp;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit};
use serde_json::{Value, json};

use series::{Kind, Series};

/// The metrics' namespace; their one dimension is `function`, the function's name.
const NAMESPACE: &str = "eventdesk";
/// The most values that one metric has in one line.
const MOST_VALUES: usize = 100;

/// What belongs to one invocation. High in number, so never dimensions: they stand in the line beside the metrics.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ids {
    pub(crate) request_id: String,
    pub(crate) trace_id: Option<String>,
}

/// What was measured since the last lines were written. One for a process, which has one invocation at a time.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    function: String,
    ids: Mutex<Ids>,
    series: Mutex<BTreeMap<String, Arc<Series>>>,
}

impl Figures {
    /// Those of this process.
    pub(crate) fn of_process() -> &'static Self {
        static PROCESS: LazyLock<Figures> =
            LazyLock::new(|| Figures::of(env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default()));
        &PROCESS
    }

    fn of(function: String) -> Self {
        Self { function, ..Self::default() }
    }

    /// Has everything that is measured in this process told to [`Self::of_process`].
    pub(crate) fn install() -> Result<(), SetRecorderError<&'static Self>> {
        metrics::set_global_recorder(Self::of_process())
    }

    /// An invocation begins.
    pub(crate) fn begin(&self, ids: Ids) {
        *lock(&self.ids) = ids;
    }

    /// The invocation belongs to another trace than was said.
    pub(crate) fn trace(&self, trace_id: String) {
        lock(&self.ids).trace_id = Some(trace_id);
    }

    /// Writes what was measured since the last time: nothing, one line, or as many as the values of one metric need.
    pub(crate) fn tell(&self, now: Timestamp, mut out: impl Write) -> io::Result<()> {
        let mut left: BTreeMap<String, Vec<f64>> = lock(&self.series)
            .iter()
            .map(|(name, series)| (name.clone(), series.take()))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        while !left.is_empty() {
            let next: BTreeMap<_, _> = left
                .iter_mut()
                .map(|(name, values)| (name.clone(), values.split_off(values.len().saturating_sub(MOST_VALUES))))
                .collect();
            // At once, for others write to the same place.
            out.write_all(format!("{}\n", self.line(&next, now)).as_bytes())?;
            left.retain(|_, values| !values.is_empty());
        }
        out.flush()
    }

    fn line(&self, measured: &BTreeMap<String, Vec<f64>>, now: Timestamp) -> Value {
        let ids = lock(&self.ids).clone();
        let declared: Vec<_> = measured.keys().map(|name| json!({ "Name": name, "Unit": unit(name) })).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": now.millis(),
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["function"]], "Metrics": declared }],
            },
            "function": self.function,
            "request_id": ids.request_id,
        });
        if let Some(trace_id) = ids.trace_id {
            line["trace_id"] = json!(trace_id);
        }
        for (name, values) in measured {
            line[name] = match values.as_slice() {
                [one] => number(*one),
                several => several.iter().copied().map(number).collect(),
            };
        }
        line
    }

    fn series(&self, key: &Key, kind: Kind) -> Arc<Series> {
        let mut all = lock(&self.series);
        Arc::clone(all.entry(key.name().to_owned()).or_insert_with(|| Arc::new(Series::new(kind))))
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key, Kind::Sum))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(key, Kind::Last))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(key, Kind::Each))
    }
}

/// The unit that a name ends with.
fn unit(name: &str) -> &'static str {
    match name.rsplit_once('_') {
        Some((_, "ms")) => "Milliseconds",
        Some((_, "seconds")) => "Seconds",
        _ => "Count",
    }
}

/// To the thousandth, and whole numbers without a point.
fn number(value: f64) -> Value {
    let rounded = (value * 1e3).round() / 1e3;
    #[expect(clippy::cast_possible_truncation, reason = "only what is whole and in range is cast")]
    if rounded.fract() == 0.0 && rounded.abs() < 9e15 { json!(rounded as i64) } else { json!(rounded) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(figures: &Figures) -> Vec<Value> {
        let mut text = Vec::new();
        figures.tell(Timestamp::from_millis(1_700_000_000_000), &mut text).unwrap();
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn measured(work: impl FnOnce()) -> Figures {
        let figures = Figures::of("desk-audit".to_owned());
        metrics::with_local_recorder(&figures, work);
        figures
    }

    #[test]
    fn every_metric_that_is_declared_has_its_value_in_the_line() {
        let figures = measured(|| {
            metrics::counter!("republished").increment(2);
            metrics::counter!("republished").increment(1);
            metrics::gauge!("oldest_behind_seconds").set(61.0);
            metrics::histogram!("lag_ms").record(12.345_678);
            metrics::histogram!("lag_ms").record(7.0);
        });
        figures.begin(Ids { request_id: "r-1".to_owned(), trace_id: None });
        figures.trace("5759e988bd862e3fe1be46a994272793".to_owned());
        let told = lines(&figures);
        let [line] = told.as_slice() else { panic!("one line: {told:?}") };
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&declared["Namespace"], &declared["Dimensions"]), (&json!("eventdesk"), &json!([["function"]])));
        assert_eq!(line["function"], "desk-audit");
        assert_eq!(
            (&line["request_id"], &line["trace_id"]),
            (&json!("r-1"), &json!("5759e988bd862e3fe1be46a994272793"))
        );
        let names: BTreeMap<_, _> = declared["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap()))
            .collect();
        let wanted = [("lag_ms", "Milliseconds"), ("oldest_behind_seconds", "Seconds"), ("republished", "Count")];
        assert_eq!(names, wanted.into());
        assert_eq!(line["lag_ms"], json!([12.346, 7]));
        assert_eq!((&line["oldest_behind_seconds"], &line["republished"]), (&json!(61), &json!(3)));
    }

    #[test]
    fn nothing_is_told_twice_and_a_figure_that_was_set_to_nothing_is_told() {
        let figures = measured(|| {
            metrics::counter!("answered").increment(1);
            metrics::gauge!("commits_behind").set(0.0);
        });
        let told = lines(&figures);
        assert_eq!((told.len(), &told[0]["answered"], &told[0]["commits_behind"]), (1, &json!(1), &json!(0)));
        assert_eq!(lines(&figures), [] as [Value; 0]);
    }

    #[test]
    fn a_metric_has_at_most_a_hundred_values_a_line() {
        let figures = measured(|| {
            metrics::counter!("events_projected").increment(250);
            for lag in 0..250 {
                metrics::histogram!("lag_ms").record(f64::from(lag));
            }
        });
        let told = lines(&figures);
        let lengths: Vec<_> = told.iter().map(|line| line["lag_ms"].as_array().unwrap().len()).collect();
        assert_eq!(lengths, [100, 100, 50]);
        let counted: Vec<_> = told.iter().map(|line| line["events_projected"].clone()).collect();
        assert_eq!(counted, [json!(250), Value::Null, Value::Null]);
    }
}
