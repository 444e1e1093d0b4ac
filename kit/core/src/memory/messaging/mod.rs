mod none;

pub use none::{NoMessaging, NoMessagingError};
