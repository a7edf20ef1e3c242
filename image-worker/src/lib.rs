//! image-worker
