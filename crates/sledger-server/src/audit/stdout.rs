//! Standard output: one line after the other, none torn by another thread's.
//!
//! A reader that goes away makes it fail; what it was sent and did not read is gone with it.

use super::lines::Batch;
use super::position::Mark;
use super::sink::{Sink, Trouble, doing};
use std::io::{self, Write};

/// A handle that can be locked for a batch.
pub(super) trait Lockable: Send {
    /// Writes all of it under one lock.
    fn write_locked(&self, text: &[u8]) -> io::Result<()>;
}

impl Lockable for io::Stdout {
    fn write_locked(&self, text: &[u8]) -> io::Result<()> {
        let mut locked = self.lock();
        locked.write_all(text)?;
        locked.flush()
    }
}

/// The sink.
pub(super) struct Stdout<W> {
    out: W,
}

impl<W: Lockable> Stdout<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Lockable> Sink for Stdout<W> {
    fn open(&mut self, mark: Mark, _durable: u64) -> Result<Mark, Trouble> {
        Ok(mark)
    }

    fn send(&mut self, batch: &Batch) -> Result<(), Trouble> {
        self.out.write_locked(&batch.text()).map_err(doing("cannot write to standard output"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// What was written under each lock; `None` once nobody reads.
    type Written = Arc<Mutex<Option<Vec<String>>>>;

    struct Pipe(Written);

    impl Lockable for Pipe {
        fn write_locked(&self, text: &[u8]) -> io::Result<()> {
            let mut written = self.0.lock().unwrap();
            let written = written.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            written.push(String::from_utf8(text.to_vec()).unwrap());
            Ok(())
        }
    }

    #[test]
    fn batch_is_whole_lines_under_one_lock_and_a_reader_that_went_is_trouble() {
        let written: Written = Arc::new(Mutex::new(Some(Vec::new())));
        let mut sink = Stdout::new(Pipe(Arc::clone(&written)));
        sink.send(&Batch::of_lines(&["a", "b"])).unwrap();
        assert_eq!(written.lock().unwrap().as_ref().unwrap(), &["a\nb\n"]);
        *written.lock().unwrap() = None;
        let trouble = sink.send(&Batch::of_lines(&["c"])).unwrap_err().to_string();
        assert_eq!(trouble, "cannot write to standard output: broken pipe");
    }
}
