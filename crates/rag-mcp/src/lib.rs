//! rag-mcp
