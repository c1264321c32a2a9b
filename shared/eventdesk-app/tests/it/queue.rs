//! The local queue and its projectors, end to end.

use std::{sync::Arc, time::Duration};

use eventdesk_app::{
    local_queue::{Consumer, LocalQueue, LocalQueueOptions},
    ports::{Position, ReadStore},
    projections::{Projector, TICKETS, projectors},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{
    desk::{Desk, Fault, FaultyViews, commits, documents, note_on, root, scenarios},
    projections::poison,
};

/// The desk's projectors at work.
struct Running {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    queues: Vec<Arc<LocalQueue>>,
}

async fn queue(desk: &Desk, views: &Arc<dyn ReadStore>, projector: &Projector) -> LocalQueue {
    let interests: &[&str] = match projector.name() {
        "projector-ticket" => &["ticket.", "message."],
        "projector-directory" => &["user.", "employee."],
        _ => &[],
    };
    let interests = interests.iter().map(|&prefix| prefix.to_owned()).collect();
    let options = LocalQueueOptions {
        backoff: vec![Duration::from_millis(1), Duration::from_millis(2)],
        in_flight: 8,
        poll: Duration::from_millis(1),
        store_idle: Duration::ZERO,
        store_every: 3,
        ..LocalQueueOptions::default()
    };
    let consumer = Consumer { name: projector.name().to_owned(), interests };
    LocalQueue::open(consumer, desk.log.clone(), views.clone(), desk.clock.clone(), options).await.unwrap()
}

impl Running {
    async fn start(desk: &Desk, views: &Arc<dyn ReadStore>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (mut tasks, mut queues) = (Vec::new(), Vec::new());
        for projector in projectors(&desk.store, views) {
            let queue = Arc::new(queue(desk, views, &projector).await);
            queues.push(queue.clone());
            let stopped = stopped.clone();
            tasks.push(tokio::spawn(async move { projector.run(&*queue, stopped).await }));
        }
        Self { stop, tasks, queues }
    }

    async fn caught_up(&self, desk: &Desk) {
        let newest = *desk.log.newest().borrow();
        until(desk, "the queues are worked off", async || self.queues.iter().all(|queue| queue.cursor() == newest))
            .await;
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            timeout(Duration::from_secs(10), task).await.expect("a stopped projector ends").unwrap();
        }
    }

    /// Ends them wherever they are, as a crash does.
    async fn crash(self) {
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
    }
}

/// Lets time pass until the condition holds.
async fn until(desk: &Desk, what: &str, condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            desk.clock.advance(1);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Makes something happen on the desk: 6 commits.
async fn busy(desk: &Desk) {
    let (caller, employee) = desk.requester().await;
    let id = desk.ticket(&root(), employee).await.id;
    desk.post(&caller, id).await;
    desk.post(&root(), id).await;
    desk.run(&root(), note_on(id)).await.unwrap();
}

async fn what_is_appended_is_projected(desk: Desk) {
    busy(&desk).await;
    let views = desk.views.clone();
    let running = Running::start(&desk, &views).await;
    busy(&desk).await;
    running.caught_up(&desk).await;
    busy(&desk).await;
    running.caught_up(&desk).await;
    let commits = commits(&*desk.log).await;
    let newest = Position(commits.len() as u64);
    until(&desk, "the cursors of idle queues are stored", async || {
        for projector in desk.projectors() {
            if views.consumer(projector.name()).await.unwrap().cursor != newest {
                return false;
            }
        }
        true
    })
    .await;
    running.stop().await;
    let projected = documents(&*views, &commits).await;
    desk.project().await;
    assert_eq!(documents(&*views, &commits).await, projected, "nothing was left to do");
    assert!(projected.values().all(|text| !text.is_empty()));
}

async fn a_restart_at_any_point_loses_and_repeats_nothing(desk: Desk) {
    let views = desk.fresh_views().await;
    for crash in 0..24 {
        let running = Running::start(&desk, &views).await;
        if crash % 3 == 0 {
            busy(&desk).await;
        }
        for _ in 0..crash * 2 {
            tokio::task::yield_now().await;
        }
        if crash % 5 == 4 { running.stop().await } else { running.crash().await }
    }
    let running = Running::start(&desk, &views).await;
    running.caught_up(&desk).await;
    running.stop().await;
    let commits = commits(&*desk.log).await;
    desk.project().await;
    assert_eq!(documents(&*views, &commits).await, documents(&*desk.views, &commits).await);
}

async fn views_that_fail_now_and_then_are_waited_for(desk: Desk) {
    busy(&desk).await;
    for fault in [Fault::Unavailable, Fault::AnswerLost, Fault::Partly(1), Fault::GuardLost(1)] {
        let views = desk.fresh_views().await;
        let faulty: Arc<dyn ReadStore> = Arc::new(FaultyViews::new(views.clone(), fault, 3));
        let running = Running::start(&desk, &faulty).await;
        running.caught_up(&desk).await;
        running.stop().await;
        let commits = commits(&*desk.log).await;
        desk.project().await;
        assert_eq!(documents(&*views, &commits).await, documents(&*desk.views, &commits).await, "{fault:?}");
        for projector in desk.projectors() {
            let stored = views.consumer(projector.name()).await.unwrap();
            assert_eq!(
                (stored.retries, stored.dead),
                (Vec::new(), Vec::new()),
                "{fault:?}: nothing is wrong with these"
            );
        }
    }
}

async fn poison_is_a_dead_letter_after_its_last_attempt(desk: Desk) {
    let employee = desk.employee().await.id;
    let bad = desk.ticket(&root(), employee).await.id;
    let poison = poison(&desk, bad).await;
    let good = desk.ticket(&root(), employee).await.id;
    let views = desk.views.clone();
    let running = Running::start(&desk, &views).await;
    desk.post(&root(), good).await;
    let name = "projector-ticket";
    until(&desk, "a dead letter", async || {
        views.consumer(name).await.unwrap().dead.iter().any(|dead| dead.attempts == 3)
    })
    .await;
    running.caught_up(&desk).await;
    until(&desk, "the other ticket", async || {
        let found = views.get(&TICKETS, &[&good.to_string()]).await.unwrap().pop().flatten();
        found.is_some_and(|document| document.version == 2)
    })
    .await;
    running.stop().await;
    let stored = views.consumer(name).await.unwrap();
    let commits = commits(&*desk.log).await;
    let position = commits.iter().position(|commit| commit.id == poison.id).unwrap() as u64 + 1;
    assert!(stored.dead.iter().any(|dead| dead.position == Position(position) && !dead.reason.is_empty()));
    assert_eq!(stored.retries, []);
    // A restart does not wake the dead.
    let running = Running::start(&desk, &views).await;
    running.caught_up(&desk).await;
    running.stop().await;
    assert_eq!(views.consumer(name).await.unwrap().dead, stored.dead);
}

async fn a_projector_stops_while_its_views_are_away(desk: Desk) {
    busy(&desk).await;
    let away: Arc<dyn ReadStore> = Arc::new(FaultyViews::new(desk.views.clone(), Fault::Unavailable, 1));
    let running = Running::start(&desk, &away).await;
    tokio::task::yield_now().await;
    running.stop().await;
    assert_eq!(desk.views.consumer("projector-ticket").await.unwrap().cursor, Position(0));
    // Nothing was settled: all of it comes again.
    let views = desk.views.clone();
    let running = Running::start(&desk, &views).await;
    running.caught_up(&desk).await;
    running.stop().await;
}

scenarios!(
    what_is_appended_is_projected,
    a_restart_at_any_point_loses_and_repeats_nothing,
    views_that_fail_now_and_then_are_waited_for,
    poison_is_a_dead_letter_after_its_last_attempt,
    a_projector_stops_while_its_views_are_away,
);
