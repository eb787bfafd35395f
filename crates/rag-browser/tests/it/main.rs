//! Rendering by a real Chromium, on a site and against targets on loopback.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod hostile;
#[cfg(unix)]
mod life;
mod pages;
#[cfg(unix)]
mod process;
mod remote;
mod support;
