//! rag-source
