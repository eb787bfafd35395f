//! The PostgreSQL store, and how it takes what happens to servers.

pub(crate) mod database;

mod breaking;
mod indexing;
mod migrating;
mod proxy;
mod refusing;
mod server;
mod stopping;
