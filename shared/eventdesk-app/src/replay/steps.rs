//! The steps in which a projection is made anew: each reads the streams of one category.

use serde::{Deserialize, Serialize};

use super::Target;
use crate::{
    ports::{Category, ViewSpec},
    projections::{EMPLOYEES, HISTORY, HISTORY_STREAMS, MESSAGES, TICKETS, USERS},
};

static MESSAGES_ALONE: [&ViewSpec; 1] = [&MESSAGES];
static TICKETS_ALONE: [&ViewSpec; 1] = [&TICKETS];
static HISTORIES: [&ViewSpec; 2] = [&HISTORY, &HISTORY_STREAMS];
static USERS_ALONE: [&ViewSpec; 1] = [&USERS];
static EMPLOYEES_ALONE: [&ViewSpec; 1] = [&EMPLOYEES];

/// The streams of one category, and the documents that are made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Messages.
    Messages,
    /// Tickets, which count their messages: so these must be there before.
    Tickets,
    /// The history of one kind of stream.
    History(Category),
    /// Users.
    Users,
    /// Employees.
    Employees,
}

impl Step {
    /// The steps of a projection, in their order.
    pub(super) fn of(target: Target) -> Vec<Self> {
        match target {
            Target::Tickets => vec![Self::Messages, Self::Tickets],
            Target::History => Category::ALL.map(Self::History).to_vec(),
            Target::Directory => vec![Self::Users, Self::Employees],
        }
    }

    /// Which streams are read.
    pub(super) const fn category(self) -> Category {
        match self {
            Self::Messages => Category::Message,
            Self::Tickets => Category::Ticket,
            Self::History(category) => category,
            Self::Users => Category::User,
            Self::Employees => Category::Employee,
        }
    }

    /// Which views get documents.
    pub(super) fn views(self) -> &'static [&'static ViewSpec] {
        match self {
            Self::Messages => &MESSAGES_ALONE,
            Self::Tickets => &TICKETS_ALONE,
            Self::History(_) => &HISTORIES,
            Self::Users => &USERS_ALONE,
            Self::Employees => &EMPLOYEES_ALONE,
        }
    }

    /// The views of this step in which a later step of its projection looks documents up.
    pub(super) const fn read_later(self) -> &'static [&'static ViewSpec] {
        match self {
            Self::Messages => &MESSAGES_ALONE,
            _ => &[],
        }
    }

    /// The views to which this step is the last one of its projection that adds documents.
    pub(super) fn completes(self) -> &'static [&'static ViewSpec] {
        match self {
            Self::History(Category::Roster) | Self::Messages | Self::Tickets | Self::Users | Self::Employees => {
                self.views()
            }
            Self::History(_) => &[],
        }
    }

    /// The step of the projection that makes documents of a view of a stream.
    pub(super) fn making(view: &ViewSpec, category: Category) -> Option<Self> {
        let steps = Target::ALL.into_iter().flat_map(Self::of);
        let mut making = steps.filter(|step| step.category() == category);
        making.find(|step| step.views().iter().any(|made| made.name == view.name))
    }

    /// For people.
    pub(super) fn name(self) -> String {
        match self {
            Self::Messages => "messages".to_owned(),
            Self::Tickets => "tickets".to_owned(),
            Self::History(category) => format!("history of {}s", category.prefix().trim_end_matches('-')),
            Self::Users => "users".to_owned(),
            Self::Employees => "employees".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_of_a_projection_is_completed_by_exactly_one_of_its_steps() {
        for target in Target::ALL {
            for view in target.views() {
                let steps = Step::of(target);
                let completed = steps.iter().flat_map(|step| step.completes()).filter(|done| done.name == view.name);
                assert_eq!(completed.count(), 1, "{}", view.name);
            }
        }
    }
}
