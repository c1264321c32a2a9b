//! `eventdesk replay`: read models made anew from the event store; and what `eventdesk verify` shares with it.

mod progress;
mod to_bus;
mod words;

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism, time::Instant};

use clap::Args;
use eventdesk_app::replay::{Finished, Mended, RebuildOptions, Replay, ReplayError, Target, VerifyOptions, Watcher};
use eventdesk_events::{StreamId, Timestamp};
use eventdesk_runtime::{Config, SystemClock};
use serde_json::json;
use tokio::sync::watch;

use self::{progress::Progress, to_bus::ToBusArgs};
use crate::{beside::Beside, console, failure::Failure, machine};

pub(crate) use words::found_in_words;

/// How far the process steps back before a server on the same machine.
const NICE: i32 = 10;

/// What is to be made anew, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ReplayArgs {
    /// Only this projection (tickets, history or directory); may be given several times.
    #[arg(long, value_name = "NAME", value_parser = parse_target)]
    projection: Vec<Target>,
    /// Only the documents of this stream, in place: `ticket-<uuid>` and the like.
    #[arg(long, value_name = "ID", value_parser = parse_stream, conflicts_with_all = ["generation_only", "keep_old", "resume", "flip", "drop_old"])]
    stream: Option<StreamId>,
    /// Only the documents of streams with events since this time (RFC 3339), in place.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with_all = ["generation_only", "keep_old", "resume", "flip", "drop_old"])]
    from: Option<Timestamp>,
    /// Builds and checks the next generation, and leaves the live one live.
    #[arg(long)]
    generation_only: bool,
    /// Writes nothing: tells what would be made and what would be changed.
    #[arg(long, conflicts_with_all = ["generation_only", "keep_old", "resume", "flip", "drop_old"])]
    dry_run: bool,
    /// Keeps the old generation, which is written on, so that `--flip` goes back at once.
    #[arg(long)]
    keep_old: bool,
    /// Goes on with a replay that was interrupted.
    #[arg(long)]
    resume: bool,
    /// Makes the second generation the live one, be it a new one or the one before.
    #[arg(long, conflicts_with_all = ["generation_only", "keep_old", "resume", "drop_old"])]
    flip: bool,
    /// Drops every generation but the live one.
    #[arg(long, conflicts_with_all = ["generation_only", "keep_old", "resume"])]
    drop_old: bool,
    #[command(flatten)]
    to_bus: ToBusArgs,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// What replay and verify have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct SharedArgs {
    /// JSON, one object a line, instead of lines for people.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many segments are read side by side; one more than there are processors if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
}

/// What is to be compared, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct VerifyArgs {
    /// Only this projection (tickets, history or directory); may be given several times.
    #[arg(long, value_name = "NAME", value_parser = parse_target)]
    projection: Vec<Target>,
    /// Only about so many documents of each kind, spread over the store.
    #[arg(long, value_name = "NUMBER")]
    sample: Option<NonZeroUsize>,
    /// For how many seconds documents are looked at again that are not as they should be.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u64,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

fn parse_target(text: &str) -> Result<Target, String> {
    Target::parse(text).ok_or_else(|| {
        let names: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn parse_stream(text: &str) -> Result<StreamId, String> {
    StreamId::parse(text).map_err(|error| error.to_string())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

fn chosen(targets: &[Target]) -> Vec<Target> {
    Target::ALL.into_iter().filter(|target| targets.is_empty() || targets.contains(target)).collect()
}

/// The tools over what the configuration names, with their progress shown.
async fn tools(config: Config, shared: &SharedArgs) -> Result<(Replay, Arc<Progress>), Failure> {
    // What cannot step back works all the same.
    let _ = rustix::process::nice(NICE);
    machine::survive_file_size_limit().map_err(Failure::Signals)?;
    let beside = Beside::open(config).await?;
    let (store, scan) = beside.store().await?;
    let views = beside.views;
    let mut asked = machine::Stop::listen().map_err(Failure::Signals)?;
    let (stopping, stop) = watch::channel(false);
    tokio::spawn(async move {
        asked.asked().await;
        // Nobody may be there any more to be stopped.
        let _ = stopping.send(true);
    });
    let progress = Arc::new(Progress::new(shared.json));
    let watcher: Arc<dyn Watcher> = progress.clone();
    let workers = shared.workers.map_or_else(|| available_parallelism().map_or(2, usize::from) + 1, usize::from);
    Ok((Replay { store, scan, views, clock: Arc::new(SystemClock), watcher, stop, workers }, progress))
}

/// Makes read models anew, or sends events once more.
pub(crate) async fn replay(config: Config, args: &ReplayArgs) -> Result<(), Failure> {
    if args.to_bus.is_asked_for() {
        return Box::pin(to_bus::replay(config, args)).await;
    }
    if args.stream.is_some() && args.from.is_some() {
        return Err(Failure::Refused("--stream and --from go together only with --to-bus or --to-consumer".to_owned()));
    }
    let (replay, progress) = tools(config, &args.shared).await?;
    let targets = chosen(&args.projection);
    if let Some(stream) = args.stream {
        let mended = replay.mend_stream(&targets, stream, args.dry_run).await?;
        progress.end();
        tell_mended(&mended, args);
        return Ok(());
    }
    let mut readable = true;
    for target in targets {
        if let Some(from) = args.from {
            let mended = replay.mend_since(target, from, args.dry_run).await?;
            progress.end();
            tell_mended(&mended, args);
        } else if args.dry_run {
            dry_run(&replay, target, &progress, args.shared.json).await?;
        } else if args.flip {
            let generations = replay.flip(target).await?;
            progress.end();
            let named = json!({"projection": target.name(), "live": generations});
            say(args.shared.json, &named, || {
                format!("{}: flipped to {}", target.name(), words::generations(&generations))
            });
        } else if args.drop_old {
            replay.drop_old(target).await?;
            progress.end();
            let named = json!({"projection": target.name(), "dropped": true});
            say(args.shared.json, &named, || format!("{}: only the live generation is left", target.name()));
        } else {
            readable &= rebuild(&replay, target, args, &progress).await?;
        }
    }
    if readable {
        Ok(())
    } else {
        Err(Failure::Found("an event cannot be read: the documents of its stream end before it"))
    }
}

/// Whether every event could be read.
async fn rebuild(replay: &Replay, target: Target, args: &ReplayArgs, progress: &Progress) -> Result<bool, Failure> {
    let ReplayArgs { resume, generation_only, keep_old, .. } = *args;
    let begun = Instant::now();
    let finished = replay.rebuild(target, RebuildOptions { resume, generation_only, keep_old }).await?;
    progress.end();
    let seconds = begun.elapsed().as_secs_f64();
    let Finished { events, documents, ref generations, live, ref poisoned, .. } = finished;
    let named = json!({
        "projection": target.name(), "events": events, "documents": documents, "seconds": seconds,
        "generations": generations, "live": live, "poisoned": poisoned,
    });
    say(args.shared.json, &named, || words::finished(&finished, seconds));
    Ok(finished.poisoned.is_empty())
}

async fn dry_run(replay: &Replay, target: Target, progress: &Progress, json: bool) -> Result<(), Failure> {
    let verified = replay.verify(target, VerifyOptions { sample: None, patience: std::time::Duration::ZERO }).await?;
    progress.end();
    let documents: u64 = verified.views.iter().map(|view| view.expected).sum();
    let changed = verified.differences.len() as u64 + verified.more;
    let named = json!({
        "projection": target.name(), "dry_run": true, "events": verified.events, "documents": documents,
        "would_change": changed,
    });
    say(json, &named, || {
        let (name, events) = (target.name(), verified.events);
        format!("{name}: {documents} documents of {events} events would be made, of which {changed} are not so now")
    });
    Ok(())
}

fn tell_mended(mended: &Mended, args: &ReplayArgs) {
    let verb = if args.dry_run { "would be mended" } else { "mended" };
    let named = json!({
        "dry_run": args.dry_run, "events": mended.events, "documents": mended.documents, "mended": mended.mended,
    });
    say(args.shared.json, &named, || {
        let mut lines: Vec<_> = mended.mended.iter().map(|document| format!("{document}: {verb}")).collect();
        lines.push(format!("{} documents looked at, {} {verb}", mended.documents, mended.mended.len()));
        lines.join("\n")
    });
}

/// Compares read models with the event store.
pub(crate) async fn verify(config: Config, args: &VerifyArgs) -> Result<(), Failure> {
    let (replay, progress) = tools(config, &args.shared).await?;
    let options = VerifyOptions {
        sample: args.sample.map(NonZeroUsize::get),
        patience: std::time::Duration::from_secs(args.patience.min(86_400)),
    };
    let mut well = true;
    for target in chosen(&args.projection) {
        let begun = Instant::now();
        let verified = replay.verify(target, options).await?;
        progress.end();
        let seconds = begun.elapsed().as_secs_f64();
        well &= verified.is_well();
        let named = json!({
            "projection": target.name(), "well": verified.is_well(), "seconds": seconds, "events": verified.events,
            "views": verified.views, "differences": verified.differences, "more": verified.more,
            "poisoned": verified.poisoned,
        });
        say(args.shared.json, &named, || found_in_words(target, &verified, seconds));
    }
    if well { Ok(()) } else { Err(Failure::Found("the read models are not as the event store says")) }
}

fn say(json: bool, object: &serde_json::Value, words: impl FnOnce() -> String) {
    console::say(&if json { object.to_string() } else { words() });
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        Self::Replay(Box::new(error))
    }
}
