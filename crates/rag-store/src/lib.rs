//! rag-store
