//! rag-embed
