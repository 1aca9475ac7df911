//! Events to notifications and mail; retries; dead letters.
