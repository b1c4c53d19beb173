//! What lull tells about itself: metrics, health, logs. Never SQL text, passwords or addresses of clients in a label.

pub mod expiry;
pub mod http;
pub mod log;
pub mod metrics;
pub mod process;
