//! How far a replay is: a bar on a terminal, lines elsewhere, JSON on demand.

use std::{
    io::{IsTerminal, stderr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use eventdesk_app::replay::{Target, Watcher};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;

use crate::console;

/// Lines come at most so often.
const EVERY: Duration = Duration::from_secs(2);

/// Shows progress.
pub(super) struct Progress {
    form: Form,
    now: Mutex<Now>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Bar,
    Lines,
    Json,
}

struct Now {
    bar: ProgressBar,
    stage: String,
    parts: usize,
    done: usize,
    begun: Instant,
    told: Instant,
    events: u64,
    documents: u64,
}

impl Progress {
    pub(super) fn new(json: bool) -> Self {
        let form = match (json, stderr().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Bar,
            (false, false) => Form::Lines,
        };
        let (begun, told) = (Instant::now(), Instant::now());
        let (bar, stage) = (ProgressBar::hidden(), String::new());
        let now = Now { bar, stage, parts: 0, done: 0, begun, told, events: 0, documents: 0 };
        Self { form, now: Mutex::new(now) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else is done from now on, in so many parts; 0 if it cannot be said.
    pub(super) fn begin(&self, stage: String, parts: usize) {
        let mut now = self.now();
        now.stage = stage;
        (now.parts, now.done, now.events, now.documents, now.begun) = (parts, 0, 0, 0, Instant::now());
        if self.form == Form::Bar {
            now.bar.finish_and_clear();
            let (bar, template) = if parts == 0 {
                (ProgressBar::new_spinner(), "{prefix} {spinner} {msg}")
            } else {
                (ProgressBar::new(parts as u64), "{prefix} [{bar:30}] {percent}% {msg}, {eta} left")
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(now.stage.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            now.bar = bar;
        }
        self.show(&mut now, true);
    }

    /// Takes the bar away, before results are told.
    pub(super) fn end(&self) {
        self.now().bar.finish_and_clear();
    }

    fn show(&self, now: &mut Now, always: bool) {
        if self.form == Form::Bar {
            now.bar.set_position(now.done as u64);
            now.bar.set_message(now.rate());
            return;
        }
        if !always && now.told.elapsed() < EVERY {
            return;
        }
        now.told = Instant::now();
        if self.form == Form::Lines {
            console::complain(&format!("{}: {}", now.stage, now.words()));
        } else {
            let line = json!({
                "progress": now.stage, "parts": now.parts, "parts_done": now.done, "events": now.events,
                "documents": now.documents, "seconds": now.begun.elapsed().as_secs_f64(),
                "seconds_left": now.left().map(|left| left.as_secs_f64()),
            });
            console::say(&line.to_string());
        }
    }
}

impl Now {
    /// How long it will take, as far as parts tell.
    fn left(&self) -> Option<Duration> {
        let (done, parts) = (u32::try_from(self.done).ok()?, u32::try_from(self.parts).ok()?);
        (done > 0).then(|| self.begun.elapsed() / done * parts.saturating_sub(done))
    }

    fn rate(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let events = f64::from(u32::try_from(self.events).unwrap_or(u32::MAX)) / seconds;
        let made = match self.documents {
            0 => String::new(),
            documents => format!(", {} documents", HumanCount(documents)),
        };
        format!("{} events, {events:.0}/s{made}", HumanCount(self.events))
    }

    fn words(&self) -> String {
        if self.parts == 0 {
            return if self.events + self.documents == 0 { "begun".to_owned() } else { self.rate() };
        }
        let left = self.left().map_or_else(String::new, |left| format!(", {} left", HumanDuration(left)));
        format!("{} of {} parts, {}{left}", self.done, self.parts, self.rate())
    }
}

impl Watcher for Progress {
    fn stage(&self, target: Target, what: &str, parts: usize) {
        self.begin(format!("{}, {what}", target.name()), parts);
    }

    fn advanced(&self, events: u64, documents: u64) {
        let mut now = self.now();
        now.events += events;
        now.documents += documents;
        self.show(&mut now, false);
    }

    fn part_done(&self) {
        let mut now = self.now();
        now.done += 1;
        let last = now.done == now.parts;
        self.show(&mut now, last);
    }
}
