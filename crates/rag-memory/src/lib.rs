//! rag-memory
