//! Reading, defaults and refusals.
