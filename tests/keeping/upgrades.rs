//! What earlier programs wrote, opened by this one.
