//! `eventdesk replay --to-bus` and `--to-consumer`: events travel once more, marked with the replay's name.

use std::{num::NonZeroU32, sync::Arc};

use clap::Args;
use eventdesk_app::{
    audit::CONSUMERS,
    ports::Clock as _,
    republish::{EventTypes, Goal, Onlooker, ReplayName, Republish, Republished, Wanted},
};
use eventdesk_events::Timestamp;
use eventdesk_runtime::{Config, SystemClock};
use serde_json::json;
use tokio::sync::watch;

use super::{ReplayArgs, parse_time, progress::Progress, say};
use crate::{beside::Beside, failure::Failure, machine};

/// Who is to receive events once more, which, and how fast.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[group(skip)]
pub(super) struct ToBusArgs {
    /// Makes nothing anew: sends events to all consumers once more, marked as a replay. Of what `--stream`, `--type`,
    /// `--from` and `--to` all say; of everything if they say nothing.
    #[arg(long, group = "goal", conflicts_with_all = AT_HOME)]
    to_bus: bool,
    /// The same, to one consumer alone: projector-ticket, projector-history or projector-directory.
    #[arg(long, group = "goal", value_name = "NAME", value_parser = parse_consumer, conflicts_with_all = AT_HOME)]
    to_consumer: Option<String>,
    /// Only events of this type, such as `ticket.opened`, or of an aggregate, `ticket.*`; may be given several times.
    #[arg(long = "type", value_name = "TYPE", requires = "goal")]
    types: Vec<EventTypes>,
    /// Only events before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "goal")]
    to: Option<Timestamp>,
    /// At most so many events a second; 100 if not given.
    #[arg(long, value_name = "EVENTS", requires = "goal", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: Option<u32>,
    /// What the replay is called, in each event's `replay`; after the time if not given.
    #[arg(long, value_name = "NAME", requires = "goal")]
    name: Option<ReplayName>,
}

/// What only a replay into read models knows.
const AT_HOME: [&str; 7] = ["projection", "generation_only", "keep_old", "resume", "flip", "drop_old", "workers"];
/// Events a second, if nobody says: what a small desk's consumers work through beside their daily work.
const RATE: u32 = 100;

fn parse_consumer(text: &str) -> Result<String, String> {
    let known = CONSUMERS.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| format!("one of {}", CONSUMERS.join(", ")))
}

impl ToBusArgs {
    pub(super) fn is_asked_for(&self) -> bool {
        self.to_bus || self.to_consumer.is_some()
    }

    fn rate(&self) -> NonZeroU32 {
        self.rate.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN.saturating_add(RATE - 1))
    }
}

/// The progress of one replay by its name.
struct Shown(Arc<Progress>, String);

impl Onlooker for Shown {
    fn parts(&self, parts: usize) {
        self.0.begin(self.1.clone(), parts);
    }

    fn sent(&self, events: u64) {
        eventdesk_app::replay::Watcher::advanced(&*self.0, events, 0);
    }

    fn part_done(&self) {
        eventdesk_app::replay::Watcher::part_done(&*self.0);
    }
}

/// Sends events once more.
pub(super) async fn replay(config: Config, args: &ReplayArgs) -> Result<(), Failure> {
    let asked = &args.to_bus;
    machine::survive_file_size_limit().map_err(Failure::Signals)?;
    let beside = Beside::open(config).await?;
    let (store, scan) = beside.store().await?;
    let operations = beside.operations().await?;
    let goal = match &asked.to_consumer {
        None => Goal::bus(operations.bus),
        Some(name) => Goal::consumer(name, operations.audit.consumers).expect("its name was looked at"),
    };
    let mut signal = machine::Stop::listen().map_err(Failure::Signals)?;
    let (stopping, stop) = watch::channel(false);
    tokio::spawn(async move {
        signal.asked().await;
        // Nobody may be there any more to be stopped.
        let _ = stopping.send(true);
    });
    let clock = Arc::new(SystemClock);
    let name = asked.name.clone().unwrap_or_else(|| ReplayName::at(clock.now()));
    let progress = Arc::new(Progress::new(args.shared.json));
    let onlooker = Arc::new(Shown(progress.clone(), format!("replay {name}")));
    let republish = Republish { store, scan, feed: operations.audit.feed, clock, onlooker, stop };
    let wanted = Wanted { stream: args.stream, types: asked.types.clone(), from: args.from, to: asked.to };
    let sent = if args.dry_run {
        republish.count(&wanted, &goal).await
    } else {
        republish.run(&wanted, &goal, &name, asked.rate()).await
    };
    progress.end();
    tell(&name, &sent?, args);
    Ok(())
}

fn tell(name: &ReplayName, sent: &Republished, args: &ReplayArgs) {
    let named = json!({
        "replay": name.to_string(), "dry_run": args.dry_run, "to": args.to_bus.to_consumer.as_deref().unwrap_or("bus"),
        "events": sent.events(), "types": sent.0,
    });
    say(args.shared.json, &named, || {
        let verb = if args.dry_run { "would be sent" } else { "were sent" };
        let mut lines: Vec<_> = sent.0.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        lines.push(format!("{} events {verb} as {name}", sent.events()));
        lines.join("\n")
    });
}
