//! Two who work on one ticket, where one looks at the store twice and the other writes in between.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use blip_slack::app::Tuning;
use blip_slack::store::SharedStore;
use tokio::sync::watch;

use super::watched::{Use, Watched, Witness};
use super::{PATIENCE, tuning};

/// How far the two have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Unset,
    /// So many of the writer's steps are done.
    Steps(usize),
    /// The writer waits until somebody has looked.
    Held,
    /// The next look is the one that counts.
    Watched,
    /// It was answered, and whoever looked waits until the writer has come to an end.
    Looked,
    Written,
}

/// Has a ticket read by one just before another writes it, and what is read next just after.
pub struct Crossing {
    /// Methods of the store, before the last of which the writer is held.
    steps: &'static [&'static str],
    /// How many tickets are open once it is written.
    open: usize,
    stage: watch::Sender<Stage>,
    store: OnceLock<SharedStore>,
}

impl Crossing {
    pub fn new(steps: &'static [&'static str], open: usize) -> Arc<Self> {
        let (stage, store) = (watch::Sender::default(), OnceLock::new());
        Arc::new(Self { steps, open, stage, store })
    }

    /// A bridge whose store is watched.
    pub fn tuning(self: &Arc<Self>) -> Tuning {
        let crossing = Arc::clone(self);
        let wrap = move |store: SharedStore| -> SharedStore {
            crossing.store.set(Arc::clone(&store)).ok();
            Arc::new(Watched { store, witness: Arc::clone(&crossing) })
        };
        Tuning { wrap: Some(Arc::new(wrap)), ..tuning() }
    }

    /// The next who does these steps is the writer.
    pub fn begin(&self) {
        self.stage.send_replace(Stage::Steps(0));
    }

    /// Waits until the writer is held; the next who reads a ticket is the one who looks.
    pub async fn is_held(&self) {
        self.wait_for(Stage::Held).await;
        self.stage.send_replace(Stage::Watched);
    }

    /// Waits until both went on.
    pub async fn is_over(&self) {
        self.wait_for(Stage::Written).await;
    }

    async fn wait_for(&self, stage: Stage) {
        let mut watched = self.stage.subscribe();
        let reached = watched.wait_for(|now| *now >= stage);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "waited in vain for {stage:?}: {:?}", *self.stage.borrow());
    }

    /// Goes on to another stage if this is the present one.
    fn step(&self, from: Stage, to: Stage) -> bool {
        self.stage.send_if_modified(|now| {
            let is_it = *now == from;
            if is_it {
                *now = to;
            }
            is_it
        })
    }
}

#[async_trait]
impl Witness for Arc<Crossing> {
    async fn is_about_to_use(&self, method: &'static str, _: Use) {
        let stage = *self.stage.borrow();
        let Stage::Steps(done) = stage else { return };
        if self.steps.get(done) != Some(&method) {
            return;
        }
        let is_last = done + 1 == self.steps.len();
        let next = if is_last { Stage::Held } else { Stage::Steps(done + 1) };
        if self.step(stage, next) && is_last {
            self.wait_for(Stage::Looked).await;
        }
    }

    async fn used(&self, method: &'static str, _: Use) {
        let stage = *self.stage.borrow();
        match stage {
            Stage::Watched if method == "load_ticket" && self.step(stage, Stage::Looked) => {
                self.wait_for(Stage::Written).await;
            }
            Stage::Looked if method == "commit" => {
                let open = self.store.get().unwrap().open_tickets().await.unwrap();
                if open.len() == self.open {
                    self.step(stage, Stage::Written);
                }
            }
            _ => {}
        }
    }
}
