//! Tests of sledger across its rooms.
