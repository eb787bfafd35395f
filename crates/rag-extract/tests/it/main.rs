//! What the crate does with bytes, through its public doors.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod archives;
mod documents;
mod hostile;
mod page;
mod samples;
