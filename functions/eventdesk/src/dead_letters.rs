//! `eventdesk dead-letters`: what consumers have given up, looked at, tried again or dropped.

use std::fmt::Write;

use clap::{Args, Subcommand};
use eventdesk_app::{
    dead_letters::{Judged, LetterDesk, Selection},
    ports::LetterId,
};
use eventdesk_events::{Envelope, StreamId};
use eventdesk_runtime::Config;
use serde_json::{Value, json};

use crate::{beside::Beside, console, failure::Failure};

/// What to do with dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Lists them by consumer and stream.
    List {
        #[command(flatten)]
        which: Which,
        /// One JSON object a line instead of lines for people.
        #[arg(long)]
        json: bool,
    },
    /// Shows one as JSON: the facts of its events, and why it failed.
    Show {
        /// Its name, as the list has it.
        id: LetterId,
        /// Shows texts and contact details too.
        #[arg(long)]
        private: bool,
    },
    /// Has consumers receive them again, stream by stream in the order of versions. Those that a newer success has made
    /// obsolete are dropped instead.
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Drops them for good.
    Discard {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        chosen: Chosen,
    },
}

/// Which of the letters are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct Which {
    /// Those of one consumer.
    #[arg(long)]
    consumer: Option<String>,
    /// Those of one stream, such as `ticket-0192f3a8-…`.
    #[arg(long, value_parser = StreamId::parse)]
    stream: Option<StreamId>,
}

/// Names letters one by one, or says that all are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Chosen {
    /// Their names, as the list has them.
    ids: Vec<LetterId>,
    /// All that are looked at.
    #[arg(long)]
    all: bool,
}

impl Which {
    fn selection(self, ids: Vec<LetterId>) -> Selection {
        Selection { ids, consumer: self.consumer, stream: self.stream }
    }
}

/// Does what is asked with dead letters.
pub(crate) async fn dead_letters(config: Config, command: DeadLettersCommand) -> Result<(), Failure> {
    let desk = Beside::open(config).await?.operations().await?.letters;
    match command {
        DeadLettersCommand::List { which, json } => list(&desk, which.selection(Vec::new()), json).await,
        DeadLettersCommand::Show { id, private } => show(&desk, id, private).await,
        DeadLettersCommand::Retry { which, chosen } => {
            let (named, selection) = (chosen.ids.len(), which.selection(chosen.ids));
            let outcome = desk.retry(&selection).await?;
            tell("put back", &outcome.put_back);
            tell("obsolete, for a newer success has applied it: dropped", &outcome.obsolete);
            all_found(named, outcome.put_back.len() + outcome.obsolete.len())
        }
        DeadLettersCommand::Discard { which, chosen } => {
            let (named, selection) = (chosen.ids.len(), which.selection(chosen.ids));
            let outcome = desk.discard(&selection).await?;
            tell("dropped", &outcome.discarded);
            all_found(named, outcome.discarded.len())
        }
    }
}

async fn list(desk: &LetterDesk, selection: Selection, json: bool) -> Result<(), Failure> {
    let letters = desk.list(&selection).await?;
    if json {
        for one in &letters {
            console::say(&in_json(one, false).to_string());
        }
    } else {
        console::say(&in_words(&letters));
    }
    Ok(())
}

async fn show(desk: &LetterDesk, id: LetterId, private: bool) -> Result<(), Failure> {
    let found = desk.list(&Selection::of(id)).await?;
    let letter = found.first().ok_or(Failure::NoSuchLetter)?;
    console::say(&format!("{:#}", in_json(letter, private)));
    Ok(())
}

fn tell(what: &str, ids: &[LetterId]) {
    for id in ids {
        console::say(&format!("{id}: {what}"));
    }
}

fn all_found(named: usize, found: usize) -> Result<(), Failure> {
    if found < named { Err(Failure::NoSuchLetter) } else { Ok(()) }
}

fn in_words(letters: &[Judged]) -> String {
    let mut words = String::new();
    let mut group = None;
    for Judged { letter, obsolete } in letters {
        let stream = letter.about.map(|(stream, _)| stream);
        if group != Some((&letter.id.consumer, stream)) {
            let stream = stream.map_or_else(|| "unreadable".to_owned(), |stream| stream.to_string());
            let _ = writeln!(words, "{} {stream}", letter.id.consumer);
            group = Some((&letter.id.consumer, letter.about.map(|(stream, _)| stream)));
        }
        let version = letter.about.map(|(_, version)| format!(" version {version}")).unwrap_or_default();
        let types: Vec<&str> = letter.events.iter().map(|event| &*event.event_type).collect();
        let at = letter.at.map(|at| format!(", given up {at}")).unwrap_or_default();
        let obsolete = if *obsolete { " (obsolete: a newer success has applied it)" } else { "" };
        let (id, attempts, reason) = (&letter.id, letter.attempts, &letter.reason);
        let _ = writeln!(words, "  {id}{version} {}: {attempts} attempts{at}: {reason}{obsolete}", types.join(" "));
    }
    let obsolete = letters.iter().filter(|one| one.obsolete).count();
    let _ = write!(words, "{} dead letters, {obsolete} of them obsolete", letters.len());
    words
}

fn in_json(Judged { letter, obsolete }: &Judged, private: bool) -> Value {
    let event = |event: &Envelope| {
        let shown = if private { event.clone() } else { Envelope { private: None, ..event.clone() } };
        serde_json::to_value(shown).unwrap_or_default()
    };
    json!({
        "id": letter.id.to_string(),
        "consumer": letter.id.consumer,
        "stream": letter.about.map(|(stream, _)| stream.to_string()),
        "version": letter.about.map(|(_, version)| version.get()),
        "attempts": letter.attempts,
        "given_up_at": letter.at,
        "reason": letter.reason,
        "obsolete": obsolete,
        "events": letter.events.iter().map(event).collect::<Vec<_>>(),
    })
}
