//! Rules, case by case.
