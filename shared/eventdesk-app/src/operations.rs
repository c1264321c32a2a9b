//! What operators look after the desk's consumers with.

use std::sync::Arc;

use crate::{
    audit::{Audit, AuditError, AuditReport, Standing},
    dead_letters::LetterDesk,
    republish::Republisher,
};

/// The audit and the dead letters of one desk.
#[derive(Clone)]
pub struct Operations {
    /// Compares what was appended with what arrived.
    pub audit: Audit,
    /// What consumers have given up.
    pub letters: LetterDesk,
    /// The bus, to send events once more.
    pub bus: Arc<dyn Republisher>,
}

impl Operations {
    /// How the desk stands now; nothing is changed.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub async fn standing(&self) -> Result<(AuditReport, Vec<Standing>), AuditError> {
        let (report, standings) = tokio::join!(self.audit.inspect(), self.audit.standings(&*self.letters.letters));
        Ok((report?, standings?))
    }
}
