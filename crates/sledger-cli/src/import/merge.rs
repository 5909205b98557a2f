//! Several files as one: by (time, file, line).

use super::{Input, Past};
use anyhow::Result;
use sledger_core::Millis;

/// Lines of all files in order.
pub(crate) struct Merge {
    inputs: Vec<(Input, Option<Past>)>,
}

impl Merge {
    /// Begins at the first line of each file.
    pub(crate) fn new(inputs: Vec<Input>) -> Result<Self> {
        let begun = inputs.into_iter().map(|mut input| input.next().map(|first| (input, first)));
        Ok(Self { inputs: begun.collect::<Result<_>>()? })
    }

    /// The time of the next line.
    pub(crate) fn peek(&self) -> Option<Millis> {
        self.inputs.iter().filter_map(|(_, next)| next.as_ref().map(|past| past.at)).min()
    }

    /// The next line, and the number of its file.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, Past)>> {
        let waiting = self.inputs.iter().enumerate();
        let first = waiting.filter_map(|(file, (_, next))| Some((next.as_ref()?.at, file))).min();
        let Some((_, file)) = first else { return Ok(None) };
        let Some((input, next)) = self.inputs.get_mut(file) else { return Ok(None) };
        let past = std::mem::replace(next, input.next()?);
        Ok(past.map(|past| (file, past)))
    }

    /// The files.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().map(|(input, _)| input)
    }

    /// One of the files.
    pub(crate) fn input(&self, file: usize) -> Option<&Input> {
        self.inputs.get(file).map(|(input, _)| input)
    }
}
