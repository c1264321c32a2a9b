mod callers;
mod commands;
mod conventions;
mod documents;
mod lists;
