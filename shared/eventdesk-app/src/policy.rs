//! Which of the policies decides.

use std::{fmt, sync::Arc};

use crate::{access::AccessMatrix, ports::PolicyEngine};

/// Who may do what. The guards of the domain (an employee's own records, the last admin) hold beside every policy.
#[derive(Clone)]
pub enum Policy {
    /// A table of permissions and roles.
    Matrix(Arc<AccessMatrix>),
    /// An engine, asked on each request.
    Engine(Arc<dyn PolicyEngine>),
}

impl Default for Policy {
    fn default() -> Self {
        Self::Matrix(Arc::default())
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix(matrix) => f.debug_tuple("Matrix").field(matrix).finish(),
            Self::Engine(_) => f.write_str("Engine(…)"),
        }
    }
}
