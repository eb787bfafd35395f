//! The HTTP stack of `rag`, as a library so that tests and examples mount the
//! same one. Everything else of the program is in its binary.

pub mod http;
